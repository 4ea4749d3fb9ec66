"""Cost of a step of Backprop-Q, against RLOO on the same graph.

One train step of a chain of layers of bits, of the actor and of all critics,
by `BackpropQModel`, and by `SurrogateModel` with two samples of the first node
and the estimator `rloo`, timed in turns: each ratio is the median over rounds.
Then how the step grows with the number of nodes and with that of cost sources.

Run it as `python -m benchmarks.backprop_q`; `--out` records the result, and
`--only` takes a part: `modes`, `nodes` or `costs`, and `graph` or `XLA`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import backprop_q_cases as cases
from benchmarks import parts as benchmark

NODES = (1, 2, 4, 8)
COSTS = (1, 2, 4, 8)


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for mode in ("graph", "XLA"):
        compiled = mode == "XLA"
        found[f"modes {mode}"] = lambda compiled=compiled: cases.mode_rows(
            cases.CHAIN, compiled, rounds
        )
        found[f"nodes {mode}"] = lambda compiled=compiled: cases.growth_rows(
            cases.CHAIN, "nodes", NODES, compiled, rounds
        )
        found[f"costs {mode}"] = lambda compiled=compiled: cases.growth_rows(
            cases.CHAIN, "costs", COSTS, compiled, rounds
        )
    return found


if __name__ == "__main__":
    benchmark.main(
        parts, "Cost of a step of Backprop-Q", "python -m benchmarks.backprop_q"
    )
