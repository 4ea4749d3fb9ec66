"""What the parts of the quickstart share."""

import dataclasses
import pathlib
import sys
import time

import matplotlib
from matplotlib.figure import Figure

from examples import report

matplotlib.use("Agg")


@dataclasses.dataclass(frozen=True)
class Run:
    """What all parts are told: where to write, the seed, how long to train."""

    out_dir: pathlib.Path
    seed: int
    full: bool

    @property
    def verbose(self):
        """Progress bars in a terminal, a line an epoch in a file."""
        return 1 if sys.stdout.isatty() else 2


@dataclasses.dataclass(frozen=True)
class Part:
    """What one part found, and how it draws it on given axes."""

    rows: list
    section: dict
    draw: callable
    seconds: float


def finish(begin, title, text, rows, draw, size):
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    section = report.section(title, text, figure)
    return Part(rows, section, draw, time.perf_counter() - begin)


def draw_summary(path, parts):
    """Draws the figures of all parts below each other."""
    figure = Figure(figsize=(9, 11), layout="constrained")
    for part, panel in zip(
        parts,
        figure.subfigures(len(parts), 1, height_ratios=[3, 5, 3.2]),
        strict=True,
    ):
        panel.suptitle(part.section["title"])
        part.draw(panel)
    path.write_bytes(report.png(figure, dpi=80))
