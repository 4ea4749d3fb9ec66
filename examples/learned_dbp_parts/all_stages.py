"""All stages of the example, in their order."""

from examples.learned_dbp_parts import stages
from examples.learned_dbp_parts.power_sweep import swept

STAGES = {
    "references": stages.references,
    "learned": stages.learned,
    "pruned": stages.pruned,
    "quantized": stages.quantized,
    "unseen": stages.unseen,
    "swept": swept,
}
