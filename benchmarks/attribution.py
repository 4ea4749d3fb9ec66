"""Attribution maps: their cost, and which of them are right.

Guided, DeconvNet and saliency maps by `Attributor`, of a VGG-16 and a
ResNet-50 with random weights, against a plain gradient of the same model in
one `tf.function`, which is the limit, and against Xplique, tf-keras-vis and
Captum, the last with the same weights in PyTorch. Each ratio is the median
over rounds in which all are timed in turns. Then the peak of memory; which
forms of a rectifier each package is right about; and the equality with Captum.

Images of 224 x 224 at batch 1 in graph mode. To keep a run within a quarter of
an hour on one core, they are half as wide at batch 16, where saliency, the
plain gradient, is left out; half as wide under XLA, which takes many times as
long for the ResNet on a CPU; and a quarter as wide under XLA at batch 16, of
guided maps only. Peaks of processes are those of guided maps at batch 16. None
of the other packages compiles by XLA.

Run it as `python -m benchmarks.attribution` in the environment that
`make rivals` makes; what is not installed there has no row. `--out` records
the result, `--size` sets the width, and `--only` takes a part: a network and
`batch 1` or `batch 16` with `graph` or `XLA`, `memory`, `agreement` or
`coverage`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import functools

from absl import app, flags

from benchmarks import attribution_agreement as agreement
from benchmarks import attribution_cases as cases
from benchmarks import attribution_memory as memory
from benchmarks import attribution_rivals as rivals
from benchmarks import parts as benchmark

SIZE = 224
_SMALLEST = 32


def define_flags():
    """Defines the flags; returns their holders by name."""
    found = benchmark.define_flags()
    # A call takes up to seconds.
    flags.set_default(found["rounds"], 5)
    found["size"] = flags.DEFINE_integer(
        "size",
        SIZE,
        "Width of the images at batch 1 in graph mode.",
        lower_bound=_SMALLEST,
    )
    return found


def parts(rounds, size=SIZE, packages=()):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed, at batch 1.
        size: Integer, width of the images.
        packages: List of names, of `attribution_rivals.installed`.

    Returns:
        Dictionary.
    """
    found = {}
    half, quarter = (max(_SMALLEST, size // part) for part in (2, 4))
    fewer = max(1, rounds * 3 // 5)
    for network in cases.NETWORKS:
        wide = cases.Case(network, half, 16, rules=("guided", "deconvnet"))
        narrow = cases.Case(network, quarter, 16, True, ("guided",))
        for case, times in (
            (cases.Case(network, size, 1), rounds),
            (wide, fewer),
            (cases.Case(network, half, 1, True), rounds),
            (narrow, fewer),
        ):
            mode = "XLA" if case.jit_compile else "graph"
            found[f"{network} batch {case.batch} {mode}"] = functools.partial(
                cases.timed_rows, case, times, packages
            )
        found[f"{network} memory graph"] = functools.partial(
            memory.resident_rows, wide, packages
        )
        found[f"{network} memory XLA"] = functools.partial(
            memory.planned_rows, narrow, (1, 16)
        )
    if "Captum" in packages:
        found["agreement"] = agreement.equality_rows
    found["coverage"] = functools.partial(agreement.coverage_rows, packages)
    return found


def main(argv, given):
    packages = rivals.installed(cases.threads())
    benchmark.run(
        argv,
        given,
        functools.partial(parts, size=given["size"], packages=packages),
        "Attribution maps",
        "python -m benchmarks.attribution",
    )


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, benchmark.values(holders)))
