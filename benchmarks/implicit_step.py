"""Cost of an implicit step, against an explicit one on the same model.

One train step of an MLP of two hidden layers of 1,024 units at batch 128, of
the convolutional network of Fagan and Iyengar (1808.02433), and of an LSTM over
50 steps, by each rule of `make_implicit` and by Adam: each ratio to plain SGD
is the median over rounds in which all are timed in turns.

Run it as `python -m benchmarks.implicit_step`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import implicit_step_cases
from benchmarks import parts as benchmark


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for name, case in implicit_step_cases.CASES.items():
        for mode in ("graph", "XLA"):
            # XLA's convolutions on a CPU take far longer.
            slow = (name, mode) == ("conv", "XLA")
            found[f"{name} {mode}"] = lambda case=case, mode=mode, slow=slow: (
                implicit_step_cases.rows(
                    case, mode == "XLA", 3 if slow else rounds
                )
            )
    return found


if __name__ == "__main__":
    benchmark.main(
        parts, "Cost of an implicit step", "python -m benchmarks.implicit_step"
    )
