"""Log-determinants of a generator's metric: time and memory.

The mean log det J'J of a DCGAN-like generator over a batch of 4, and its
gradient by all weights, in graph mode: by `log_det_metric`, by
`tape.batch_jacobian` and slogdet, which is what one would write, and the floor
of n forward passes. Each ratio is the median over rounds in which all are
timed in turns. At 64 x 64 x 3 all rows of the Jacobian at once do not fit in
memory, so `batch_jacobian` runs in a loop, `experimental_use_pfor=False`, and
is timed once, for 32 latents only. Then the peak memory of processes of their
own; the powers of latents and outputs by which time and memory grow; and
matfree's stochastic quadrature in JAX, compiled by XLA as JAX is, on the same
generator, against which the exact value has an error of rounding, and our
quadrature, as a graph and, of 32 latents, under XLA, is told at equal error:
that of values for values, and that of gradients for gradients.

It takes about a quarter of an hour on a core.

Run it as `python -m benchmarks.spectral`, in the environment that
`make rivals` makes for matfree; `--out` records the result, and `--only` takes
a part: `time`, `agreement`, `memory` or `matfree`, with a size and a number of
latents, or `growth`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import functools

from absl import app, flags

from benchmarks import parts as benchmark
from benchmarks import spectral_cases as cases
from benchmarks import spectral_growth as growth
from benchmarks import spectral_matfree as matfree
from benchmarks import spectral_memory as memory

SIZES, LATENTS = (32, 64), (32, 128, 512)


def parts(rounds, with_matfree=True):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed.
        with_matfree: Boolean, whether matfree is there.

    Returns:
        Dictionary.
    """
    found = {}
    for size in SIZES:
        for latents in LATENTS:
            case = cases.Case(size, latents)
            name = f"{size} {latents}"
            for gradient in (False, True):
                what = "gradient" if gradient else "value"
                # A minute, and the same for any number of latents.
                rivals = size == 32 or latents == 32
                found[f"time {what} {name}"] = functools.partial(
                    cases.timed_rows, case, gradient, rounds, rivals
                )
            found[f"memory {name}"] = functools.partial(
                memory.memory_rows, case, 16, size == 32
            )
    for latents in (32, 128):
        case = cases.Case(32, latents)
        found[f"agreement 32 {latents}"] = functools.partial(
            cases.agreement_rows, case
        )
        if with_matfree:
            # Its gradients take many seconds.
            found[f"matfree 32 {latents}"] = functools.partial(
                matfree.rows, case, 20, 20, min(rounds, 3)
            )
    return found | growth.parts(rounds)


def main(argv, given):
    benchmark.run(
        argv,
        given,
        functools.partial(parts, with_matfree=matfree.is_installed()),
        "Log-determinants of a generator's metric",
        "python -m benchmarks.spectral",
    )


if __name__ == "__main__":
    holders = benchmark.define_flags()
    # Each call of what is compared with takes a second.
    flags.set_default(holders["rounds"], 5)
    app.run(lambda argv: main(argv, benchmark.values(holders)))
