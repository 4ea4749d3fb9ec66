"""Tables as text, no wider than a terminal."""

import textwrap

_GAP = "  "


def text_table(header, rows, width=80):
    """Renders rows of strings; cells that are too long are wrapped.

    Args:
        header: List of strings.
        rows: List of lists of strings, as long as the header.
        width: Integer, the most columns of a line, if the header fits.

    Returns:
        String without a newline at the end.
    """
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = _widths(cells, width)
    lines = [_line(row, widths) for row in cells]
    rule = _GAP.join("-" * size for size in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def number(value):
    """A number in a table, four digits."""
    return f"{value:.3e}" if value and abs(value) < 1e-3 else f"{value:.4g}"


def names(found):
    """Names in a table."""
    return " ".join(found) or "-"


def _widths(cells, width):
    columns = list(zip(*cells, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    width -= len(_GAP) * (len(widths) - 1)
    words = [max(map(_longest_word, column)) for column in columns]
    heads = [len(column[0]) for column in columns]
    # Words are broken only where it takes that.
    return _shrunk(_shrunk(widths, words, width), heads, width)


def _longest_word(cell):
    return max(map(len, cell.split()), default=0)


def _shrunk(widths, least, width):
    widths = list(widths)
    while sum(widths) > width:
        left = [i for i, low in enumerate(least) if widths[i] > low]
        if not left:
            break
        widths[max(left, key=lambda i: widths[i])] -= 1
    return widths


def _line(row, widths):
    wrapped = [
        textwrap.wrap(cell, size) or [""]
        for cell, size in zip(row, widths, strict=True)
    ]
    height = max(len(lines) for lines in wrapped)
    shown = [
        _GAP.join(
            (lines[i] if i < len(lines) else "").ljust(size)
            for lines, size in zip(wrapped, widths, strict=True)
        ).rstrip()
        for i in range(height)
    ]
    return "\n".join(shown)
