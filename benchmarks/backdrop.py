"""Cost of masking a gradient, and what a compact mask saves.

First a train step of a small convolutional network with a `BackdropMask`,
with Dropout at the same place, and with neither. Then the step of two
networks whose trunk is below a mask of rate 0.9, against the same with
`insert_backdrop(..., compact=True)`: its time, the difference of their
gradients under one mask, and how many multiplications and how much memory it
takes. A forward pass being a third of a step, the most to expect is
1 / (1/3 + 0.1) = 2.3 times the speed. Each ratio is the median over rounds in
which all are timed in turns.

Run it as `python -m benchmarks.backdrop`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import dataclasses

from benchmarks import backdrop_cases as cases
from benchmarks import backdrop_work as work
from benchmarks import parts as benchmark

# The network in which a mask alone is timed: small, so that it shows.
SMALL = dataclasses.replace(cases.CONV, batch=64, widths=(16, 32, 32))


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each function is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for jit_compile, mode in ((False, "graph"), (True, "XLA")):
        found[f"masks {mode}"] = lambda jit_compile=jit_compile: (
            cases.mask_rows(SMALL, jit_compile, rounds)
        )
    for setting in (cases.CONV, cases.MLP):
        name = f"{setting.name} compact"
        for jit_compile, mode in ((False, "graph"), (True, "XLA")):
            found[f"{name} {mode}"] = (
                lambda setting=setting, jit_compile=jit_compile: [
                    cases.compact_row(setting, jit_compile, rounds)
                ]
            )
        found[f"{name} gradients"] = lambda setting=setting: [
            cases.difference_row(setting, "<= 1e-4"),
            cases.difference_row(
                dataclasses.replace(setting, dtype="float64"), "<= 1e-12"
            ),
        ]
        found[f"{name} work"] = lambda setting=setting: work.work_rows(setting)
    return found


if __name__ == "__main__":
    benchmark.main(
        parts, "Cost of gradient masks", "python -m benchmarks.backdrop"
    )
