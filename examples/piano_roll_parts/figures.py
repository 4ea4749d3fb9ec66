"""The picture of piano-rolls."""

import numpy as np

from examples import report
from examples.piano_roll_parts.measure import rolls

_SHOWN = 8


def draw(summary, path):
    """Draws real windows, and below them those of each model.

    Args:
        summary: `Summary`.
        path: `pathlib.Path` of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    test = summary.experiment.windows.test
    places = np.linspace(0, len(test) - 1, _SHOWN).astype(int)
    panels = {"test windows": rolls(test[places])}
    for title, model in summary.models().items():
        kept = summary.experiment.store.weights(f"{model.runs[0].name}-samples")
        panels[title] = rolls(kept[model.end][:_SHOWN])
    figure = Figure(figsize=(9, 1.4 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for line, (title, bits) in zip(axes, panels.items(), strict=True):
        line.imshow(
            _side_by_side(bits),
            cmap="Blues",
            aspect="auto",
            origin="lower",
            interpolation="nearest",
        )
        line.set_title(title, loc="left", fontsize=8)
        line.set_xticks([])
        line.set_yticks([])
    axes[-1].set_xlabel("time, eight windows", fontsize=8)
    axes[0].set_ylabel("pitch", fontsize=8)
    path.write_bytes(report.png(figure, dpi=100))
    return path


def _side_by_side(bits):
    """Image of pitch against time, with a line between two windows."""
    count, _, pitches = bits.shape
    line = np.full((count, 1, pitches), 0.4)
    joined = np.concatenate([bits, line], axis=1).reshape(-1, pitches)
    return joined[:-1].T
