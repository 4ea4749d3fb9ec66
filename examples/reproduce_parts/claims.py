"""Claims, and the rows of results that decide whether they hold."""

import dataclasses
import fnmatch
import operator

from benchmarks import tables

HOLDS, PART, NOT = "holds", "holds in part", "does not hold here"
UNKNOWN = "not recorded"
_BELOW = {"<": operator.lt, "<=": operator.le}
_ABOVE = {">": operator.gt, ">=": operator.ge}
_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Check:
    """A comparison of a row with a number or with another row.

    It holds if it does for all values of both ranges, so that what ranges do
    not decide does not hold.

    Attributes:
        source: String, the run that has the row.
        row: String, `name/metric`, with `*` for any text. Of several rows each
            is compared; with `last`, the last one.
        relation: String, `"<"`, `"<="`, `">"` or `">="`; or `"aim"`, for rows
            that have an aim of their own.
        other: Number, or string as `row`, of one row of the same run, the last.
            None for an aim.
        last: Boolean.
        margin: Number, added to the other.
    """

    source: str
    row: str
    relation: str
    other: float | str | None
    last: bool = False
    margin: float = 0


@dataclasses.dataclass(frozen=True)
class Claim:
    """What a paper says, and the checks that decide.

    Attributes:
        text: String, the claim.
        measure: String, what is measured.
        checks: Tuple of `Check`.
    """

    text: str
    measure: str
    checks: tuple


def _range(item):
    if item.low is None:
        return item.value, item.value
    return item.low, item.high


def _holds(item, relation, other):
    if relation == "aim":
        return item.verdict == "pass"
    (low, high), (least, most) = _range(item), other
    if relation in _BELOW:
        return _BELOW[relation](high, least)
    return _ABOVE[relation](low, most)


def _named(run, pattern):
    hits = [
        item
        for item in run.rows
        if fnmatch.fnmatchcase(f"{item.name}/{item.metric}", pattern)
    ]
    if not hits:
        raise LookupError(f"{run.command} has no row {pattern!r}.")
    return hits


def _rows(check, run):
    """The rows of a check, and the range that they are compared with."""
    items = _named(run, check.row)
    if check.relation == "aim":
        items = [item for item in items if item.aim]
    if check.last:
        items = items[-1:]
    other = check.other, check.other
    if isinstance(check.other, str):
        other = _range(_named(run, check.other)[-1])
    elif check.other is None:
        return items, None
    return items, tuple(x + check.margin for x in other)


def _told(item, relation, other):
    """A comparison in words, such as `1.2 (1.1 to 1.3) s < 2`."""
    cells = tables.cells(item)
    if relation == "aim":
        measured = cells["Ratio"] or cells["Value"].strip()
        return f"{measured}, expected {item.aim}"
    limit = " to ".join(tables.digits(x) for x in dict.fromkeys(other))
    return f"{cells['Value'].strip()}, expected {relation} {limit}"


def verdict(outcomes):
    """The verdict of a list of booleans, of the comparisons of a claim."""
    if not outcomes:
        return UNKNOWN
    if all(outcomes):
        return HOLDS
    return PART if any(outcomes) else NOT


def decide(claim, found, strict=True):
    """Decides a claim.

    Args:
        claim: `Claim`.
        found: Dictionary from sources to `results.Result`, of those there are.
        strict: Boolean, whether rows that are not there are an error, or are
            not compared.

    Returns:
        Dictionary with `claim`, `measure`, `value`, `verdict`, and `holding`
        and `compared`, numbers of comparisons.

    Raises:
        LookupError: A run lacks a row that is compared.
    """
    outcomes, shown = [], []
    for check in claim.checks:
        if check.source not in found:
            continue
        try:
            items, other = _rows(check, found[check.source])
        except LookupError:
            if strict:
                raise
            continue
        for item in items:
            outcomes.append(_holds(item, check.relation, other))
            shown.append(_told(item, check.relation, other))
    value = "; ".join(shown[:_SHOWN])
    if len(shown) > _SHOWN:
        value += f"; {len(shown) - _SHOWN} more"
    if len(outcomes) > 1:
        value += f" ({sum(outcomes)} of {len(outcomes)} hold)"
    return {
        "claim": claim.text,
        "measure": claim.measure,
        "value": value,
        "verdict": verdict(outcomes),
        "holding": sum(outcomes),
        "compared": len(outcomes),
    }
