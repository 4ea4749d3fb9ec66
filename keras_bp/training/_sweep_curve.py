"""Curves over the learning rate: how wide they are, and a picture."""

import os

import numpy as np

from keras_bp.training._figures import draw_curves, new_axes


def longest_run(x, y, threshold):
    """The longest interval in which a broken line is not below a threshold.

    Args:
        x: Float array, ascending.
        y: Float array; `-inf` is below any threshold, and so is the line that
            leads there.
        threshold: Float.

    Returns:
        Float, the length; 0 for a single point, or none.
    """
    if not np.isfinite(threshold):
        return 0.0
    # A threshold that is a value but for rounding is reached.
    above = np.asarray(y) - threshold + 1e-9
    longest = run = 0.0
    for width, left, right in zip(
        np.diff(x), above[:-1], above[1:], strict=True
    ):
        if left >= 0:
            run += width * (1.0 if right >= 0 else left / (left - right))
        elif right >= 0:
            run = width * right / (right - left)
        longest = max(longest, run)
    return float(longest)


def plot_curves(target, curves, label, logarithmic):
    """Draws curves over rates.

    Args:
        target: `matplotlib.axes.Axes`, or a path.
        curves: Dictionary from a name to rates, means, lows and highs.
        label: String, of the vertical axis.
        logarithmic: Bool, whether it is logarithmic, if all is positive.

    Returns:
        The axes.
    """
    axes = target
    if isinstance(target, str | os.PathLike):
        axes = new_axes("LearningRateSweep.plot")
    draw_curves(axes, curves)
    positive = not any(np.any(low <= 0) for _, _, low, _ in curves.values())
    axes.set_xscale("log")
    if logarithmic and positive:
        axes.set_yscale("log")
    axes.set(xlabel="learning rate", ylabel=label)
    if axes is not target:
        axes.figure.savefig(target)
    return axes
