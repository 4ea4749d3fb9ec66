"""The callback that watches how a rule's steps differ from true gradients."""

from keras_bp.callbacks._batch_report import DrawnReport, draw_panel

_PANELS = {
    "angle": "angle to backpropagation, degrees",
    "ratio": "norm by that of backpropagation",
    "alignment": "angle of weights and feedback, degrees",
}


class UpdateAngles(DrawnReport):
    """Reports the angle between each layer's step and the backpropagated one.

    At the end of each epoch the logs get, for a batch that stays the same and
    each layer with trained weights, `angle/LAYER`, the angle in degrees
    between the gradient of the rule and that of backpropagation (90 is no
    better than chance, and below it the loss descends), `ratio/LAYER`, that of
    their norms, and `alignment/LAYER`, the angle between the weights and what
    feedback has in their place, where there is such. No step is taken.

    For models of `keras_bp.training.local_rules`. The backpropagated gradient
    of a `ForwardForwardModel` is that of the sum of its losses.

    Args:
        x: Array or structure of arrays, inputs of one batch.
        y: Array or structure of arrays, its targets.
        sample_weight: Array, or None for ones.
        every: Positive integer, epochs between two reports.

    Attributes:
        reports: List of pairs, the epoch and what was found in it.

    Raises:
        TypeError: `every` is no integer, or the model has no
            `update_angles`.
        ValueError: `every` is less than one.

    Example:

    >>> import numpy as np
    >>> from keras_bp.callbacks import UpdateAngles
    >>> UpdateAngles(np.zeros((8, 4)), np.zeros(8)).every
    1
    """

    _size = (12, 3.6)

    def __init__(self, x, y, sample_weight=None, every=1):
        super().__init__(
            x,
            y,
            sample_weight,
            every,
            "update_angles",
            "a model of keras_bp.training.local_rules",
        )

    def report(self, epoch, found, logs):
        self.reports.append((epoch, found))
        for layer, values in found.items():
            for name, value in values.items():
                logs[f"{name}/{layer}"] = value

    def _draw(self, figure, epochs):
        panels = figure.subplots(1, len(_PANELS))
        for axes, (name, title) in zip(panels, _PANELS.items(), strict=True):
            curves = {
                layer: [found[layer].get(name) for _, found in self.reports]
                for layer in self.reports[0][1]
            }
            draw_panel(axes, title, epochs, curves)
