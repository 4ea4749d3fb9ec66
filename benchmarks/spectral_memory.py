"""How much memory the ways of `benchmarks.spectral_cases` take."""

import functools

from benchmarks import results
from benchmarks import spectral_cases as cases
from benchmarks.lagrangian_step_memory import elsewhere
from benchmarks.process_memory import resident_peak


def peak_bytes(method, case, gradient, chunk=None):
    """By how much the peak of memory grows. For a new process.

    Args:
        method: String, of `spectral_cases`.
        case: `spectral_cases.Case`.
        gradient: Boolean.
        chunk: Integer or None, of `log_det_metric`.

    Returns:
        Integer.
    """
    # A small case first, for what is loaded once.
    small = cases.Case(8, 2, 1)
    cases.function_of(method, small, gradient, chunk and 1)()
    before = resident_peak()
    function = cases.function_of(method, case, gradient, chunk)
    for _ in range(2):
        function()
    return resident_peak() - before


@functools.cache
def peak_elsewhere(method, case, gradient, chunk=None):
    """The same in a new process, once for each case."""
    return elsewhere(peak_bytes, method, case, gradient, chunk)


def memory_rows(case, chunk, rivals=True, measure=None):
    """Peaks of value and gradient, whole and in chunks.

    Args:
        case: `spectral_cases.Case`.
        chunk: Integer, columns at a time.
        rivals: Boolean, whether that of TensorFlow is measured as well.
        measure: Function as `peak_bytes`, or None for that in a new process
            each.

    Returns:
        List of `results.Row`.
    """
    measure = measure or peak_elsewhere
    against = None
    if rivals:
        against = measure(case.rival, case, True) / 2**20
    rows = []
    for size in (None, chunk):
        found = measure(cases.OURS, case, True, size) / 2**20
        name = f"{cases.OURS}, chunk={size}" if size else cases.OURS
        rows.append(
            results.row(
                name,
                f"peak memory, value and gradient, {case}",
                found,
                "MiB",
                against=case.rival if rivals else None,
                against_value=against,
            )
        )
    return rows
