"""The callback that watches what implicit steps do."""

from keras_bp.callbacks._batch_report import BatchReport


class ImplicitDiagnostics(BatchReport):
    """Reports how much each layer's implicit step is damped.

    At the end of each epoch the logs get, for each implicit layer of the
    model and a batch that stays the same, `damping/LAYER`, the norm of the
    implicit step by that of the explicit one, and for the rules that solve
    each unit `several_roots/LAYER` and `kink_hits/LAYER`. No step is taken.
    Use it to see where a rule does something: at a damping of one it takes
    explicit steps.

    Args:
        x: Array or structure of arrays, inputs of one batch.
        y: Array or structure of arrays, its targets.
        sample_weight: Array, or None for ones.
        every: Positive integer, epochs between two reports.

    Raises:
        TypeError: `every` is no integer, or the model has no
            `implicit_diagnostics`.
        ValueError: `every` is less than one.

    Example:

    >>> import numpy as np
    >>> from keras_bp.callbacks import ImplicitDiagnostics
    >>> ImplicitDiagnostics(np.zeros((8, 4)), np.zeros(8)).every
    1
    """

    def __init__(self, x, y, sample_weight=None, every=1):
        super().__init__(
            x,
            y,
            sample_weight,
            every,
            "implicit_diagnostics",
            "a model with implicit steps, as "
            "keras_bp.training.make_implicit returns it",
        )

    def report(self, epoch, found, logs):
        for layer, values in found.items():
            for name, value in values.items():
                logs[f"{name}/{layer}"] = value
