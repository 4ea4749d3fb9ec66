"""Curves with a range, drawn by Matplotlib."""

from keras_bp._figures import figure_class


def new_axes(owner):
    """Axes of a figure of their own.

    Args:
        owner: String, who draws, for the message.
    """
    figure = figure_class(owner)(figsize=(6, 4), layout="constrained")
    return figure.subplots()


def draw_curves(axes, curves):
    """Draws curves, and the band between their lows and highs.

    Args:
        axes: `matplotlib.axes.Axes`.
        curves: Dictionary from a name to places, means, lows and highs.
    """
    for index, (name, (places, mean, low, high)) in enumerate(curves.items()):
        color = f"C{index}"
        axes.plot(places, mean, "o-", ms=4, color=color, label=name)
        axes.fill_between(places, low, high, color=color, alpha=0.2, lw=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
