"""Cost of a local step, against backpropagation on the same model.

One train step of the MLP 784-300-100-10 at batch 128, of a small convolutional
network, and of an LSTM over 40 steps of 88 notes, by `LagrangianModel` with
several numbers of inner steps and by a plain Keras model, timed in turns: each
ratio is the median over rounds, and stands beside that of the matrix products
(`lagrangian_step_cases.expected`). And how time and memory grow with depth,
and with the size of the data set. Memory of a step is what XLA plans for it
beside weights, tables and the batch; that of tables is the growth of a process.

Run it as `python -m benchmarks.lagrangian_step`; `--out` records the result,
and `--only` takes a part: a network and `graph` or `XLA`, `depth`, `examples`
or `memory`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import lagrangian_step_cases as cases
from benchmarks import lagrangian_step_memory as memory
from benchmarks import parts as benchmark

DEPTHS = (1, 2, 4, 8)
SIZES = (1_000, 4_000, 16_000, 64_000)


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for mode in ("graph", "XLA"):
        found |= _timed(mode, rounds)
    found["memory networks"] = lambda: memory.planned_rows(tuple(cases.CASES))
    found["memory depth"] = lambda: memory.planned_rows(DEPTHS)
    found["memory examples"] = lambda: memory.size_rows("mlp", SIZES)
    return found


def _timed(mode, rounds):
    compiled = mode == "XLA"
    found = {}
    for name, case in cases.CASES.items():
        # XLA's convolutions on a CPU take far longer.
        slow = (name, mode) == ("conv", "XLA")
        found[f"{name} {mode}"] = lambda case=case, slow=slow: cases.rows(
            case,
            compiled,
            3 if slow else rounds,
            cases.DEFAULTS if slow else cases.METHODS,
        )
    found[f"depth {mode}"] = lambda: cases.depth_rows(DEPTHS, compiled, rounds)
    found[f"examples {mode}"] = lambda: cases.size_rows(
        cases.CASES["mlp"], SIZES, compiled, rounds
    )
    return found


if __name__ == "__main__":
    benchmark.main(
        parts, "Cost of a local step", "python -m benchmarks.lagrangian_step"
    )
