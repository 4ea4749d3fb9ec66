"""Cost of a step of each rule that might replace backpropagation.

One train step of the MLP 784-300-100-10 and of a small convolutional network
at batch 128, by each rule of `keras_bp.training.local_rules` and by a plain
Keras model, timed in turns, in a graph and under XLA: each ratio is the median
over rounds. Memory of a step is what XLA plans for it beside variables and the
batch; variables are weights, feedback and decoders.

Run it as `python -m benchmarks.local_rules`; `--out` records the result, and
`--only` takes a part: a network (`mlp`, `conv`), `graph`, `XLA` or `memory`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import local_rules_cases as cases
from benchmarks import parts as benchmark


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each rule is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for name, case in cases.CASES.items():
        for mode in ("graph", "XLA"):
            # XLA's convolutions on a CPU take far longer.
            slow = (name, mode) == ("conv", "XLA")
            found[f"{name} {mode}"] = lambda case=case, mode=mode, slow=slow: (
                cases.rows(case, mode == "XLA", 3 if slow else rounds)
            )
        found[f"{name} memory"] = lambda name=name: cases.memory_rows(name)
    return found


if __name__ == "__main__":
    benchmark.main(
        parts,
        "Cost of a step of local rules",
        "python -m benchmarks.local_rules",
    )
