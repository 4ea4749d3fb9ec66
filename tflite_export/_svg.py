"""Line charts as SVG, which needs no package."""

import html

import numpy as np

_WIDTH, _HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, _WIDTH - 12, 26, _HEIGHT - 40
_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


def line_chart(title, x, curves, *, x_label, y_label, y_range=None):
    """An SVG element.

    Args:
        title: String.
        x: Float array, the same for all curves.
        curves: Dictionary from names to float arrays; the second and later
            ones are drawn dashed, so that equal ones are both seen.
        x_label: String.
        y_label: String.
        y_range: Pair of floats, or None for that of the curves.

    Returns:
        String.
    """
    values = np.concatenate(list(curves.values()))
    low, high = y_range or (float(values.min()), float(values.max()))
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    frame = _Frame(x[0], x[-1], low, high)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'role="img" aria-label="{html.escape(title)}">',
        _text(_WIDTH / 2, 15, title, "middle", "bold"),
        *frame.grid(),
        _text((_LEFT + _RIGHT) / 2, _HEIGHT - 8, x_label, "middle"),
        _text(4, 15, y_label, "start"),
    ]
    for index, (name, curve) in enumerate(curves.items()):
        color = _COLORS[index % len(_COLORS)]
        points = " ".join(
            f"{frame.across(a):.1f},{frame.up(b):.1f}"
            for a, b in zip(x, curve, strict=True)
        )
        dashes = ' stroke-dasharray="5 4"' if index else ""
        parts.append(
            f'<polyline fill="none" stroke="{color}" stroke-width="1.6"'
            f'{dashes} points="{points}"/>'
        )
        height = _TOP + 14 + 15 * index
        parts.append(_text(_RIGHT, height, name, "end", color=color))
    return "".join([*parts, "</svg>"])


class _Frame:
    """Where numbers lie on the page."""

    def __init__(self, first, last, low, high):
        self.first, self.last = first, last
        self.low, self.high = low, high

    def across(self, value):
        share = (value - self.first) / (self.last - self.first)
        return _LEFT + share * (_RIGHT - _LEFT)

    def up(self, value):
        value = min(max(value, self.low), self.high)
        share = (value - self.low) / (self.high - self.low)
        return _BOTTOM - share * (_BOTTOM - _TOP)

    def grid(self):
        """Lines and numbers at either axis."""
        for share in np.linspace(0, 1, 5):
            y = self.low + share * (self.high - self.low)
            x = self.first + share * (self.last - self.first)
            height = self.up(y)
            yield _line(_LEFT, height, _RIGHT, height, "#ddd")
            yield _text(_LEFT - 5, height + 4, f"{y:.3g}", "end")
            yield _text(self.across(x), _BOTTOM + 15, f"{x:.3g}", "middle")


def _text(x, y, words, anchor, weight="normal", color="#333"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'font-size="11" font-weight="{weight}" fill="{color}">'
        f"{html.escape(words)}</text>"
    )


def _line(x1, y1, x2, y2, color):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}"/>'
    )
