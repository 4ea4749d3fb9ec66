"""The callback that watches what implicit steps do."""

import keras

from keras_bp import _checks


class ImplicitDiagnostics(keras.callbacks.Callback):
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
        super().__init__()
        _checks.check_integer(
            "every", every, minimum=1, owner=type(self).__name__
        )
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        self.every = every

    def set_model(self, model):
        super().set_model(model)
        if not hasattr(model, "implicit_diagnostics"):
            raise TypeError(
                f"{type(self).__name__} expects a model with implicit steps, "
                "as keras_bp.training.make_implicit returns it. Received: "
                f"model={type(model).__module__}.{type(model).__name__}"
            )

    def on_epoch_end(self, epoch, logs=None):
        if logs is None or (epoch + 1) % self.every:
            return
        found = self.model.implicit_diagnostics(
            self.x, self.y, self.sample_weight
        )
        for layer, values in found.items():
            for name, value in values.items():
                logs[f"{name}/{layer}"] = value
