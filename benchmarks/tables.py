"""Rows of results as tables, for a terminal and for Markdown."""

import re

from benchmarks.results import fail


def digits(x):
    """Formats integers in full, other numbers to three digits or more."""
    if isinstance(x, int):
        return f"{x:,}"
    if x == 0 or 100 <= abs(x) < 1e6:
        return f"{x:,.0f}"
    if 1e-3 <= abs(x) < 100:
        return f"{x:#.3g}".rstrip(".")
    return f"{x:.2e}"


def cells(item):
    value = digits(item.value)
    if item.low is not None:
        value += f" ({digits(item.low)} to {digits(item.high)})"
    against = item.against or ""
    if item.against_value is not None:
        against += f": {digits(item.against_value)} {item.unit}"
    return {
        "Name": item.name,
        "Metric": item.metric,
        "Value": f"{value} {item.unit}",
        "Against": against,
        "Ratio": "" if item.ratio is None else digits(item.ratio),
        "Aim": item.aim or "",
        "Verdict": item.verdict,
    }


def _grid(records):
    """Returns lines of cells, header first, without the empty columns."""
    keys = {key: None for record in records for key in record if record[key]}
    header = [key for key in records[0] if key in keys] if records else []
    lines = [[record[key] for key in header] for record in records]
    return [
        [" ".join(cell.split()) for cell in line] for line in [header, *lines]
    ]


def markdown(records):
    header, *lines = _grid(records)
    lines = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    lines = [header, ["---"] * len(header), *lines] if lines else []
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table(rows):
    """Returns the rows as a Markdown table; empty for no rows."""
    return markdown([cells(item) for item in rows])


def text_table(rows):
    """Returns the rows as an aligned table; empty for no rows."""
    lines = _grid([cells(item) for item in rows])
    if len(lines) == 1:
        return ""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines
    )


def fill(text, name, body, page):
    """A page with `body` between its markers, such as `<!-- runs:begin -->`.

    Args:
        text: String, the page.
        name: String, of the markers.
        body: String that ends a line, or an empty one.
        page: String, the path of the page, for an error.

    Raises:
        ValueError: The two markers are not there, once each.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    parts = re.split(f"({begin}|{end})", text)
    if parts[1::2] != [begin, end]:
        fail(page, f"`{begin}` and then `{end}`, once each", parts[1::2])
    parts[2] = f"\n\n{body}\n" if body else "\n"
    return "".join(parts)
