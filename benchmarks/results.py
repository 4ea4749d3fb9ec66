"""Results of examples and benchmarks: one schema and its files.

A script builds rows with `row`, prints them with `tables.text_table` and
records a run worth keeping with `write`; `benchmarks.pages` renders the files.
"""

import dataclasses
import json
import math
import numbers
import operator
import os
import pathlib
import re

_COMPARISONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
# A usual top folder, any other two folders, or a drive. URLs, `a/b`, `../a`
# and `$NAME/a` are not absolute.
_ABSOLUTE = re.compile(
    r"(?<![\w.})\]~-])/(home|root|tmp|work|Users)\b"
    r"|(?<![\w.})\]~/-])/[\w.-]+/|\b[A-Za-z]:\\|(?<!\w)~/"
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured quantity; `row` builds it and derives the verdict."""

    name: str
    metric: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    against: str | None = None
    against_value: float | None = None
    ratio: float | None = None
    aim: str | None = None
    verdict: str = "info"


@dataclasses.dataclass(frozen=True)
class Result:
    """One run: what was run, where, with which seeds, and what it gave."""

    name: str
    command: str
    versions: dict[str, str]
    machine: str
    seeds: list[int]
    seconds: float
    rows: list[Row]


# What the annotations of Row and Result accept: in words, the class, and the
# class of what is inside.
_KINDS = {
    str: ("a string", str, None),
    str | None: ("a string or null", str | None, None),
    float: ("a finite number", numbers.Real, None),
    float | None: ("a finite number or null", numbers.Real | None, None),
    dict[str, str]: ("a mapping of strings to strings", dict, str),
    list[int]: ("a list of integers", list | tuple, numbers.Integral),
    list[Row]: ("a list of rows", list | tuple, dict),
}
_NOT_EMPTY = ("name", "metric", "command", "machine", "rows", "versions")


def judge(measured, aim):
    """Compares a measured number with an aim; the edge of an aim passes.

    Args:
        measured: Number.
        aim: String such as `"<= 1.10"`, `">= 22.5"`, `"== 0"`, or `None`.

    Returns:
        `"pass"`, `"miss"`, or `"info"` where there is no aim.

    Raises:
        ValueError: `aim` is not a comparison and a number.
    """
    if aim is None:
        return "info"
    match = re.fullmatch(r"([<>=]=) (-?\d+(?:\.\d+)?(?:e-?\d+)?)", aim)
    if not match:
        raise ValueError(
            "`judge` expects `aim` to be one of <=, >=, ==, a space and a "
            f"number, such as '<= 1.10'. Received: aim={aim!r}"
        )
    met = _COMPARISONS[match[1]](measured, float(match[2]))
    return "pass" if met else "miss"


def _plain(x):
    """Turns a NumPy or TensorFlow scalar into a number that JSON can hold."""
    return int(x) if isinstance(x, numbers.Integral) else float(x)


def row(
    name,
    metric,
    value,
    unit,
    *,
    samples=None,
    against=None,
    against_value=None,
    aim=None,
):
    """Builds a `Row`; its range, ratio and verdict follow from the arguments.

    Args:
        name: String, what was measured.
        metric: String, the quantity.
        value: Number, in `unit`; with `samples`, their median or mean.
        unit: String; empty for a pure number.
        samples: Iterable of numbers whose minimum and maximum become `low`
            and `high`, or `None`.
        against: String, what `value` is compared with, or `None`.
        against_value: Number, in `unit`. `ratio` is `value / against_value`.
        aim: String, see `judge`; for `ratio` where there is one, else for
            `value`.

    Returns:
        A `Row` that passes `check`.

    Raises:
        ValueError: an argument that `check` would refuse, or empty samples.
    """
    value, low, high, ratio = _plain(value), None, None, None
    if samples is not None:
        samples = [_plain(sample) for sample in samples]
        if not samples or not all(map(math.isfinite, samples)):
            raise ValueError(
                "`row` expects `samples` to be one finite number or more. "
                f"Received: samples={samples}"
            )
        low, high = min(samples), max(samples)
    if against_value is not None:
        against_value = _plain(against_value)
        ratio = value / against_value if against_value else None
    verdict = judge(value if ratio is None else ratio, aim)
    reference = (against, against_value, ratio)
    made = Row(name, metric, value, unit, low, high, *reference, aim, verdict)
    _check_row(dataclasses.asdict(made), f"Row `{name}/{metric}`")
    return made


def fail(owner, expected, received, fix=""):
    raise ValueError(f"{owner} expects {expected}. Received: {received}{fix}")


def _fits(x, annotation):
    _, outer, inner = _KINDS[annotation]
    if isinstance(x, bool) or not isinstance(x, outer):
        return False
    if inner is None:
        return not isinstance(x, numbers.Real) or math.isfinite(x)
    items = x.values() if isinstance(x, dict) else x
    return all(isinstance(i, inner) and not isinstance(i, bool) for i in items)


def _check_fields(obj, cls, owner):
    kinds = {field.name: field.type for field in dataclasses.fields(cls)}
    fix = ". Write the file with `benchmarks.results.write`."
    if not isinstance(obj, dict):
        kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
        fail(owner, "a JSON object", kind, fix)
    for key in sorted(kinds.keys() ^ obj.keys(), key=str):
        state = f"no key `{key}`" if key in kinds else f"unknown key `{key}`"
        fail(owner, f"the keys {', '.join(kinds)}", state, fix)
    for key, annotation in kinds.items():
        received = f"{key}={obj[key]!r}"
        if not _fits(obj[key], annotation):
            fail(owner, f"`{key}` to be {_KINDS[annotation][0]}", received)
        blank = not obj[key] or str(obj[key]).isspace()
        if key in _NOT_EMPTY and blank:
            fail(owner, f"`{key}` not to be empty", received)


def _check_row(obj, owner):
    _check_fields(obj, Row, owner)
    value, low, high = obj["value"], obj["low"], obj["high"]
    if (low is None) != (high is None):
        fail(owner, "both or none of `low`, `high`", f"{low=}, {high=}")
    # A mean may leave the range of its samples by a rounding error.
    if low is not None:
        slack = 1e-9 * max(abs(low), abs(high))
        if not low <= high or not low - slack <= value <= high + slack:
            received = f"{low=}, {value=}, {high=}"
            fail(owner, "`low` <= `value` <= `high`", received)
    _check_verdict(obj, owner)


def _check_verdict(obj, owner):
    value, reference, ratio, aim = (
        obj[key] for key in ("value", "against_value", "ratio", "aim")
    )
    fix = ". Build it with `benchmarks.results.row`."
    if reference is not None and not obj["against"]:
        received = f"against={obj['against']!r}, against_value={reference}"
        fail(owner, "`against` to name `against_value`", received)
    if reference == 0 and aim is not None:
        received = f"against_value=0, {aim=}. Leave `against_value` out."
        fail(owner, "a ratio that `aim` can judge", received)
    due = value / reference if reference else None
    # A ratio written by hand may be rounded.
    if (ratio is None) != (due is None) or (
        due is not None and not math.isclose(ratio, due, rel_tol=0.01)
    ):
        expected = f"`ratio` to be value / against_value = {due}"
        fail(owner, expected, f"{ratio=}", fix)
    # Of the exact ratio: a rounded one may lie across the aim.
    measured, verdict = value if due is None else due, obj["verdict"]
    due = judge(measured, aim)
    if verdict != due:
        expected = f"`verdict` to be {due!r} for {measured} and {aim=}"
        fail(owner, expected, f"{verdict=}", fix)


def _strings(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _strings(key)
            yield from _strings(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _strings(item)


def check(obj_or_path):
    """Checks a result against the schema and against its own numbers.

    Args:
        obj_or_path: `Result`, the dictionary of one, or the path of a file.

    Raises:
        ValueError: a missing or unknown key, a wrong type, a number that is
            not finite or out of its range, a ratio or a verdict that does not
            follow, an absolute path, or two rows of one name and metric.
    """
    obj, owner = obj_or_path, "A result"
    if isinstance(obj, str | os.PathLike):
        path = pathlib.Path(obj)
        owner = f"Result file `{path.name}`"
        try:
            obj = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            fail(owner, "JSON", error)
    elif isinstance(obj, Result):
        obj = dataclasses.asdict(obj)
    _check_fields(obj, Result, owner)
    if obj["seconds"] < 0:
        fail(owner, "`seconds` of zero or more", obj["seconds"])
    seen = set()
    for index, item in enumerate(obj["rows"]):
        _check_row(item, f"{owner}, row {index},")
        key = f"{item['name']}/{item['metric']}"
        if key in seen:
            fail(owner, "one row per name and metric", f"`{key}` twice")
        seen.add(key)
    for text in _strings(obj):
        if _ABSOLUTE.search(text):
            fix = ". Name the file relative to the repository root."
            fail(owner, "no absolute path", repr(text), fix)
    if not obj["command"].startswith(("python ", "make ")):
        fail(owner, "a `command` of python or make", repr(obj["command"]))


def load(path):
    """Reads and checks a result file; returns its `Result`."""
    check(path)
    obj = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return Result(**obj | {"rows": [Row(**item) for item in obj["rows"]]})


def replace_file(path, text):
    # Readers see the old file or the new one, never a part.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write(result, path):
    """Checks a `Result` and writes it to `path` as JSON, all or nothing."""
    check(result)
    obj = dataclasses.asdict(result)
    text = json.dumps(obj, sort_keys=True, indent=2, default=_plain)
    replace_file(pathlib.Path(path), text + "\n")
