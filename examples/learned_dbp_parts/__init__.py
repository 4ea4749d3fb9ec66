"""Parts of `examples.learned_dbp`."""

from examples.learned_dbp_parts.all_stages import STAGES
from examples.learned_dbp_parts.config import CONFIGS, Config
from examples.learned_dbp_parts.store import Store

__all__ = [
    "CONFIGS",
    "STAGES",
    "Config",
    "Store",
]
