"""What callbacks have in common that report on one batch."""

import os

import keras

from keras_bp import _checks
from keras_bp._figures import figure_class


class BatchReport(keras.callbacks.Callback):
    """Asks a model, every some epochs, about a batch that stays the same.

    A subclass adds what was found to the logs: `report(epoch, found, logs)`.

    Args:
        x, y, sample_weight: The batch.
        every: Positive integer, epochs between two reports.
        asks: String, the method of the model that is asked.
        models: String, which models have it.
    """

    def __init__(self, x, y, sample_weight, every, asks, models):
        super().__init__()
        owner = type(self).__name__
        _checks.check_integer("every", every, minimum=1, owner=owner)
        _checks.check_arrays("x", x, owner=owner)
        _checks.check_arrays("y", y, owner=owner)
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        self.every = every
        self._asks, self._models = asks, models

    def set_model(self, model):
        super().set_model(model)
        if not hasattr(model, self._asks):
            raise TypeError(
                f"{type(self).__name__} expects {self._models}. Received: "
                f"model={type(model).__module__}.{type(model).__name__}"
            )

    def on_epoch_end(self, epoch, logs=None):
        if logs is None or (epoch + 1) % self.every:
            return
        found = getattr(self.model, self._asks)(
            self.x, self.y, self.sample_weight
        )
        self.report(epoch, found, logs)


class DrawnReport(BatchReport):
    """Keeps its reports, which a subclass adds, and draws them.

    A subclass has `_size`, that of its figure in inches, and
    `_draw(figure, epochs)`. Arguments as of `BatchReport`.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self.reports = []

    def plot(self, target=None):
        """Draws all reports over epochs.

        Args:
            target: Path of an image to write, or None.

        Returns:
            `matplotlib.figure.Figure`.

        Raises:
            ImportError: Matplotlib is not installed.
            ValueError: There are no reports.
        """
        owner = type(self).__name__
        if not self.reports:
            raise ValueError(
                f"{owner} expects reports. Received: none; fit a model with "
                "this callback first"
            )
        make = figure_class(f"{owner}.plot")
        figure = make(figsize=self._size, layout="constrained")
        self._draw(figure, [epoch + 1 for epoch, _ in self.reports])
        if isinstance(target, str | os.PathLike):
            figure.savefig(target)
        return figure


def draw_panel(axes, title, epochs, curves, logarithmic=False):
    """Draws curves over epochs, or nothing if there are none.

    Args:
        axes: Matplotlib axes.
        title: String.
        epochs: List of integers.
        curves: Dictionary from labels to lists of values; one with a None is
            left out.
        logarithmic: Boolean, whether positive values have such an axis.
    """
    for name, values in curves.items():
        if None not in values:
            axes.plot(epochs, values, ".-", ms=4, label=name)
    shown = [v for line in axes.lines for v in line.get_ydata()]
    if logarithmic and shown and min(shown) > 0:
        axes.set_yscale("log")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("epoch", fontsize=8)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=7)
    else:
        axes.set_axis_off()
