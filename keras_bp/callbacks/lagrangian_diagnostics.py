"""The callback that watches constraints while a model trains."""

import os

from keras_bp.callbacks._batch_report import BatchReport

_TOTALS = {
    "cost and Lagrangian": ("relaxed_loss", "forward_loss", "lagrangian"),
    "violation": ("violation",),
    "accuracy": ("forward_accuracy", "relaxed_accuracy"),
}
_LAYERS = {
    "mean residual": "residual_mean",
    "largest residual": "residual_max",
    "share of residuals outside": "outside",
    "multiplier, root mean square": "multiplier",
    "cosine with backpropagation": "cosine",
}
_LOGARITHMIC = (
    "mean residual",
    "largest residual",
    "multiplier, root mean square",
    "violation",
)


class LagrangianDiagnostics(BatchReport):
    """Reports whether local learning does what backpropagation would.

    At the end of each epoch the logs get what
    `LagrangianModel.lagrangian_diagnostics` finds on a batch that stays the
    same: `NAME/LAYER` for each layer (`residual_mean`, `residual_max`,
    `outside`, `multiplier`, `force`, `cosine`) and `lagrangian/NAME` for the
    model (losses and accuracies of the plain and of the relaxed network,
    `lagrangian`, `violation`, and `accuracy_gap`, relaxed less plain). No step
    is taken.

    Args:
        x: Array or structure of arrays, inputs of one batch. With persistent
            states a dictionary with the keys `"example_index"` and
            `"inputs"`.
        y: Array or structure of arrays, its targets.
        sample_weight: Array, or None for ones.
        every: Positive integer, epochs between two reports.

    Attributes:
        reports: List of pairs, the epoch and what was found in it.

    Raises:
        TypeError: `every` is no integer, or the model has no
            `lagrangian_diagnostics`.
        ValueError: `every` is less than one.

    Example:

    >>> import numpy as np
    >>> from keras_bp.callbacks import LagrangianDiagnostics
    >>> LagrangianDiagnostics(np.zeros((8, 4)), np.zeros(8)).every
    1
    """

    def __init__(self, x, y, sample_weight=None, every=1):
        super().__init__(
            x,
            y,
            sample_weight,
            every,
            "lagrangian_diagnostics",
            "a keras_bp.training.LagrangianModel",
        )
        self.reports = []

    def report(self, epoch, found, logs):
        total = found["total"]
        if "forward_accuracy" in total:
            total["accuracy_gap"] = (
                total["relaxed_accuracy"] - total["forward_accuracy"]
            )
        self.reports.append((epoch, found))
        for name, value in total.items():
            logs[f"lagrangian/{name}"] = value
        for layer, values in found["layers"].items():
            for name, value in values.items():
                logs[f"{name}/{layer}"] = value

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
        if not self.reports:
            raise ValueError(
                f"{type(self).__name__} expects reports. Received: none; fit "
                "a model with this callback first"
            )
        figure = _new_figure()
        panels = iter(figure.subplots(2, 4).flat)
        epochs = [epoch + 1 for epoch, _ in self.reports]
        for title, names in _TOTALS.items():
            curves = {
                name: [found["total"].get(name) for _, found in self.reports]
                for name in names
            }
            _panel(next(panels), title, epochs, curves)
        for title, name in _LAYERS.items():
            curves = {
                layer: [
                    found["layers"][layer].get(name)
                    for _, found in self.reports
                ]
                for layer in self.reports[0][1]["layers"]
            }
            _panel(next(panels), title, epochs, curves)
        if isinstance(target, str | os.PathLike):
            figure.savefig(target)
        return figure


def _new_figure():
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "LagrangianDiagnostics.plot draws by Matplotlib: "
            "pip install 'keras_bp[examples]'"
        ) from error
    return Figure(figsize=(14, 6), layout="constrained")


def _panel(axes, title, epochs, curves):
    for name, values in curves.items():
        if None not in values:
            axes.plot(epochs, values, ".-", ms=4, label=name)
    shown = [v for line in axes.lines for v in line.get_ydata()]
    if title in _LOGARITHMIC and shown and min(shown) > 0:
        axes.set_yscale("log")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("epoch", fontsize=8)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=7)
    else:
        axes.set_axis_off()
