"""What is said about recorded rows: causes of missed aims, rows of the README.

docs/results/missed.txt and readme.txt have a line that names rows,
`file-stem/row name/metric`, and below it, indented, what is said. In the first
`*` is for any text, and each missed row has to have a cause.
"""

import fnmatch

from benchmarks.results import fail
from benchmarks.tables import cells

_SHOWN = 3


def read(path):
    """Reads what is said.

    Args:
        path: `pathlib.Path`, of a file that need not exist.

    Returns:
        Dictionary from names of rows to texts.

    Raises:
        ValueError: a name without a text, or a text without a name.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found, name = {}, None
    for line in filter(str.strip, text.splitlines()):
        if line.startswith("#"):
            continue
        if not line[0].isspace():
            name = line.strip()
            found[name] = []
        elif name is None:
            fail(f"`{path.name}`", "a name of rows first", repr(line))
        else:
            found[name].append(line.strip())
    for name, lines in found.items():
        if not lines:
            fail(f"`{path.name}`", "an indented text below", repr(name))
    return {name: " ".join(lines) for name, lines in found.items()}


def missed(results, reasons):
    """The missed rows by cause.

    Args:
        results: Dictionary from stems to `results.Result`.
        reasons: Dictionary, as of `read`.

    Returns:
        List of dictionaries, lines of a table.

    Raises:
        ValueError: a missed row without a cause, or a cause of no missed row.
    """
    groups = {pattern: [] for pattern in reasons}
    for stem, result in results.items():
        for item in result.rows:
            if item.verdict != "miss":
                continue
            key = f"{stem}/{item.name}/{item.metric}"
            hits = [x for x in reasons if fnmatch.fnmatchcase(key, x)]
            if not hits:
                fail("`missed.txt`", "a cause for each missed row", repr(key))
            groups[hits[0]].append(item)
    for pattern, items in groups.items():
        if not items:
            fail("`missed.txt`", "patterns of missed rows", repr(pattern))
    return [_record(*group, reasons) for group in groups.items()]


def _record(pattern, items, reasons):
    shown = [
        (item.ratio is not None and cells(item)["Ratio"])
        or cells(item)["Value"].strip()
        for item in items[:_SHOWN]
    ]
    more = len(items) - len(shown)
    aims = dict.fromkeys(item.aim for item in items)
    return {
        "Rows": f"`{pattern}`",
        "Measured": "; ".join(shown) + (f"; {more} more" if more else ""),
        "Aim": ", ".join(aims),
        "Why": reasons[pattern],
    }
