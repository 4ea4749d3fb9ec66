"""The callback that watches constraints while a model trains."""

from keras_bp.callbacks._batch_report import DrawnReport, draw_panel

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


class LagrangianDiagnostics(DrawnReport):
    """Reports whether local learning does what backpropagation would.

    At the end of each epoch the logs get what
    `LagrangianModel.lagrangian_diagnostics` finds on a batch that stays the
    same: `NAME/LAYER` for each layer (`residual_mean`, `residual_max`,
    `outside`, `multiplier`, `force`, `cosine`) and `lagrangian/NAME` for the
    model (losses and accuracies of the plain and of the relaxed network,
    `lagrangian`, `violation`, and `accuracy_gap`, relaxed less plain).
    Accuracies are those of integer labels, where predictions have an axis of
    classes. No step is taken.

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

    _size = (14, 6)

    def __init__(self, x, y, sample_weight=None, every=1):
        super().__init__(
            x,
            y,
            sample_weight,
            every,
            "lagrangian_diagnostics",
            "a keras_bp.training.LagrangianModel",
        )

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

    def _draw(self, figure, epochs):
        panels = iter(figure.subplots(2, 4).flat)
        for title, names in _TOTALS.items():
            curves = {
                name: [found["total"].get(name) for _, found in self.reports]
                for name in names
            }
            self._panel(next(panels), title, epochs, curves)
        for title, name in _LAYERS.items():
            curves = {
                layer: [
                    found["layers"][layer].get(name)
                    for _, found in self.reports
                ]
                for layer in self.reports[0][1]["layers"]
            }
            self._panel(next(panels), title, epochs, curves)

    def _panel(self, axes, title, epochs, curves):
        draw_panel(axes, title, epochs, curves, title in _LOGARITHMIC)
