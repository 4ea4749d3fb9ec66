"""How time and memory grow with latents and outputs, against what is stated.

The Jacobian is n passes of m outputs each; its product with itself n^2 m, and
the factor of Cholesky n^3. So both are linear in m, and time is between linear
and quadratic in n as long as m is far larger; memory is linear in n.
"""

import functools
import math
import statistics

import tensorflow as tf

from benchmarks import results, timing
from benchmarks import spectral_cases as cases
from benchmarks import spectral_memory as memory

# Exponents not to be above; the rest is for caches that are outgrown.
OF_LATENTS, OF_OUTPUTS, OF_MEMORY = 2.0, 1.25, 1.1


def product_of(case):
    """A function of the product of a Jacobian with itself, in float64."""
    shape = case.batch, case.latents, case.outputs
    columns = tf.random.stateless_normal(shape, (0, 0), dtype=tf.float64)
    traced = tf.function(
        lambda x: tf.matmul(x, x, transpose_b=True), autograph=False
    )
    return lambda: traced(columns)


def time_rows(found_cases, gradient, rounds):
    """Exponents of time between cases, which are timed in turns.

    Args:
        found_cases: List of `spectral_cases.Case`; each differs from the one
            before by its latents or its size alone.
        gradient: Boolean, whether gradients are taken too.
        rounds: Integer.

    Returns:
        List of `results.Row`.
    """
    functions = {}
    for case in found_cases:
        functions[cases.OURS, case] = cases.waited(
            cases.function_of(cases.OURS, case, gradient)
        )
        if not gradient:
            floor = cases.function_of(cases.FLOOR, case, False)
            functions[cases.FLOOR, case] = cases.waited(floor)
            functions["product", case] = cases.waited(product_of(case))
    times = timing.compare(functions, rounds=rounds)
    what = "value and gradient" if gradient else "value"
    rows = [
        _exponent_row(
            f"time, {what}", one, other,
            timing.ratios(times, (cases.OURS, other), (cases.OURS, one)),
        )
        for one, other in _pairs(found_cases)
    ]  # fmt: skip
    if not gradient:
        # The first of growing outputs is one of growing latents too.
        grown = found_cases[0].size != found_cases[-1].size
        told = found_cases[1:] if grown else found_cases
        rows += [_against_parts(case, times) for case in told]
    return rows


def _pairs(found_cases):
    return zip(found_cases, found_cases[1:], strict=False)


def _against_parts(case, times):
    """Time over that of what it is made of, as it is stated."""
    parts = [
        floor + product
        for floor, product in zip(
            times[cases.FLOOR, case], times["product", case], strict=True
        )
    ]
    shares = [
        ours / both
        for ours, both in zip(times[cases.OURS, case], parts, strict=True)
    ]
    return results.row(
        cases.OURS,
        f"time, value, over n forward passes and the product J'J, {case}",
        statistics.median(shares),
        "times",
        samples=shares,
        against=f"both ({1e3 * statistics.median(parts):.0f} ms)",
    )


def memory_rows(found_cases, measure=None):
    """Exponents of peaks of memory between cases."""
    measure = measure or memory.peak_elsewhere
    peaks = {
        case: measure(cases.OURS, case, True, None) for case in found_cases
    }
    return [
        _exponent_row(
            "peak memory, value and gradient",
            one,
            other,
            [peaks[other] / peaks[one]],
            OF_MEMORY,
        )
        for one, other in _pairs(found_cases)
    ]


def _exponent_row(what, one, other, ratios, aim=None):
    """The power of what has grown by which a measure has."""
    if one.latents != other.latents:
        grown, of = other.latents / one.latents, "latents"
        told = f"{one.latents} to {other.latents}, {other.size} pixels a side"
        aim = aim or OF_LATENTS
    else:
        grown, of = other.outputs / one.outputs, "outputs"
        told = f"{one.outputs} to {other.outputs}, {other.latents} latents"
        aim = aim or OF_OUTPUTS
    powers = [math.log(ratio) / math.log(grown) for ratio in ratios]
    return results.row(
        cases.OURS,
        f"growth with {of}, {what}, {told}",
        statistics.median(powers),
        "power",
        samples=powers,
        aim=f"<= {aim:g}",
    )


def parts(rounds):
    """What is run, see `benchmarks.spectral.parts`."""
    by_latents = [cases.Case(32, n) for n in (32, 128, 512)]
    by_outputs = [cases.Case(size, 32) for size in (32, 64)]
    found = {}
    for name, chosen in (("n", by_latents), ("m", by_outputs)):
        for gradient in (False, True):
            what = "gradient" if gradient else "value"
            found[f"growth {what} {name}"] = functools.partial(
                time_rows, chosen, gradient, rounds
            )
        found[f"growth memory {name}"] = functools.partial(memory_rows, chosen)
    return found
