"""Figures that Matplotlib draws, which is imported only here and now."""

import os


def figure_class(owner):
    """`matplotlib.figure.Figure`.

    Args:
        owner: String, who draws, for the message.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"{owner} draws by Matplotlib: pip install 'keras_bp[examples]'"
        ) from error
    return Figure


def new_figure(target, owner):
    """A figure to draw in: the given one, or a new one for a path.

    Args:
        target: Path, or `matplotlib.figure.Figure`.
        owner: String, who draws.
    """
    if isinstance(target, str | os.PathLike):
        return figure_class(owner)(layout="constrained")
    if not hasattr(target, "add_subplot"):
        raise TypeError(
            f"{owner} expects `target` to be a path or a "
            f"matplotlib.figure.Figure. Received: target={target!r}"
        )
    return target


def finish(figure, target, dpi=110):
    """Writes the figure if `target` is a path, and returns it."""
    if figure is not target:
        figure.savefig(target, dpi=dpi)
    return figure
