"""How much memory the maps of `benchmarks.attribution` take."""

import os
import pathlib
import statistics
import tempfile

import tensorflow as tf

from benchmarks import attribution_cases as cases
from benchmarks import attribution_rivals as rivals
from benchmarks import results
from benchmarks.lagrangian_step_memory import elsewhere, temporary_bytes

_REPORTS = "*buffer-assignment.txt"
_RULE = "guided"
_STATUS = pathlib.Path("/proc/self/status")
_RESET = pathlib.Path("/proc/self/clear_refs")


def planned_bytes(case, batches):
    """What XLA allocates for maps, beside weights and images.

    XLA reads where to report its plans when it first compiles, so this is for
    a new process.

    Args:
        case: `attribution_cases.Case`.
        batches: Tuple of integers, in place of its batch.

    Returns:
        List of pairs of integers: of a plain gradient, and of guided maps.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = (
            f"{flags} --xla_dump_to={folder} --xla_dump_hlo_as_text"
        )
        model = case.model()
        makers = cases.plain(model, True), cases.ours(model, _RULE, True)
        return [
            [_planned(case, batch, make, folder) for make in makers]
            for batch in batches
        ]


def _planned(case, batch, make, folder):
    x, target = case.data()
    x = tf.repeat(x[:1], batch, axis=0).numpy()
    function = make(x, target[:1].repeat(batch))
    before = set(pathlib.Path(folder).glob(_REPORTS))
    function()
    reports = set(pathlib.Path(folder).glob(_REPORTS)) - before
    if not reports:
        raise RuntimeError("XLA reported no plan. Was it used before?")
    return max(temporary_bytes(path.read_text()) for path in reports)


def planned_rows(case, batches, measure=None):
    """Memory of guided maps by XLA's plan, against that of a gradient.

    Args:
        case: `attribution_cases.Case`.
        batches: Tuple of integers.
        measure: Function as `planned_bytes`, or None for that in a new
            process.

    Returns:
        List of `results.Row`.
    """
    measure = measure or (lambda *given: elsewhere(planned_bytes, *given))
    return [
        results.row(
            f"{cases.OURS}, {_RULE}",
            f"planned memory, {case.network}, {case.size} x {case.size}, "
            f"batch {batch}, XLA",
            ours / 2**20,
            "MiB",
            against=cases.PLAIN,
            against_value=plain / 2**20,
            aim="<= 1.15",
        )
        for batch, (plain, ours) in zip(
            batches, measure(case, batches), strict=True
        )
    ]


def resident_bytes(case, method):
    """By how much a process grows at the most while maps are made.

    Tracing counts, and so do copies of the weights. For a new process.

    Args:
        case: `attribution_cases.Case`.
        method: String, `"plain gradient"`, `"Attributor"`, or a name of
            `attribution_rivals`.

    Returns:
        Integer.
    """
    packages = [] if method in (cases.PLAIN, cases.OURS) else [method]
    # Another network of its kind first, for what is loaded once.
    _run(cases.Case(case.network, 32, 1), method, packages)
    return _run(case, method, packages)


def _run(case, method, packages):
    model, (x, target) = case.model(), case.data()
    makers = cases.makers(case, model, packages)
    title = rivals.title(method) if packages else method
    rule = "saliency" if method == cases.PLAIN else _RULE
    before = _resident("VmRSS")
    if before is None:
        raise RuntimeError("The peak of memory is known on Linux only")
    # The peak is from here on.
    _RESET.write_text("5")
    function = makers[title, rule]()(x, target)
    for _ in range(2):
        function()
    return _resident("VmHWM") - before


def _resident(what):
    """A line of the status of this process in bytes, or None."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{what}:"):
            return 1024 * int(line.split()[1])
    return None


def resident_rows(case, packages, measure=None, processes=3):
    """The growth of processes, against that of a plain gradient.

    Args:
        case: `attribution_cases.Case`.
        packages: List of names, of `attribution_rivals.installed`.
        measure: Function as `resident_bytes`, or None for that in a new
            process each.
        processes: Integer, of each method, of which the median counts: the
            order in which a graph runs what is ready is not always the same.

    Returns:
        List of `results.Row`.
    """
    if measure is None and not _RESET.exists():
        print("The peak of memory is known on Linux only; it has no row.")
        return []
    measure = measure or (lambda *given: elsewhere(resident_bytes, *given))
    methods = (cases.PLAIN, cases.OURS, *packages)
    found = {method: [] for method in methods}
    for _ in range(processes):
        for method in methods:
            found[method].append(measure(case, method) / 2**20)
    rows = []
    for method in methods:
        rows += _rows(case, method, found)
    return rows


def _rows(case, method, found):
    middle = {name: statistics.median(told) for name, told in found.items()}
    if method == cases.PLAIN:
        told = [(method, "peak memory", None, None)]
    elif method == cases.OURS:
        told = [(f"{method}, {_RULE}", "peak memory", cases.PLAIN, "<= 1.15")]
    else:
        title = rivals.title(method)
        told = [
            (f"{title}, {_RULE}", "peak memory", cases.PLAIN, None),
        ]
    rows = [
        results.row(
            name,
            f"{metric}, {case}",
            middle[method],
            "MiB",
            samples=found[method],
            against=against,
            against_value=middle[against] if against else None,
            aim=aim,
        )
        for name, metric, against, aim in told
    ]
    if method in (cases.PLAIN, cases.OURS):
        return rows
    ours = results.row(
        f"{cases.OURS}, {_RULE}",
        f"peak memory by that of {title}, {case}",
        middle[cases.OURS],
        "MiB",
        samples=found[cases.OURS],
        against=title,
        against_value=middle[method],
        aim="<= 1.00",
    )
    return [*rows, ours]
