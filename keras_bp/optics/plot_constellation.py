"""A picture of received symbols."""

import numpy as np

from keras_bp import _checks


def plot_constellation(axes, received, sent=None, *, limit=None, title=None):
    """Draws how often received symbols fall where.

    Args:
        axes: `matplotlib.axes.Axes`.
        received: Complex array of any shape, scaled to mean power 1.
        sent: Complex array of the points of the constellation, to be marked,
            or None. Defaults to `None`.
        limit: Positive float, half of the width of the picture; None for what
            shows all but one symbol of a thousand. Defaults to `None`.
        title: String, or None. Defaults to `None`.

    Returns:
        `axes`.

    Raises:
        ValueError: `limit` is not positive, or nothing was received.
    """
    owner = "plot_constellation"
    check_axes(axes, owner)
    received = np.ravel(_checks.as_complex("received", received, owner=owner))
    if received.size == 0:
        raise ValueError(
            "plot_constellation expects at least one symbol. "
            "Received: an empty array"
        )
    if limit is None:
        farthest = np.maximum(np.abs(received.real), np.abs(received.imag))
        limit = 1.05 * max(float(np.quantile(farthest, 0.999)), 1e-12)
    _checks.check_positive("limit", limit, owner=owner)
    axes.hist2d(
        received.real,
        received.imag,
        bins=160,
        range=[[-limit, limit]] * 2,
        cmap="magma",
    )
    if sent is not None:
        points = np.unique(_checks.as_complex("sent", sent, owner=owner))
        axes.plot(points.real, points.imag, "+", color="w", ms=4, alpha=0.6)
    axes.set(aspect="equal", xlabel="I", ylabel="Q")
    if title is not None:
        axes.set_title(title)
    return axes


def check_axes(axes, owner):
    """Raises `TypeError` for what is no `matplotlib.axes.Axes`."""
    if not hasattr(axes, "hist2d"):
        raise TypeError(
            f"{owner} expects `axes` to be a matplotlib.axes.Axes. "
            f"Received: axes={axes!r}"
        )
