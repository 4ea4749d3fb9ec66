"""The callback that steepens binary neurons while a model trains."""

import keras
from keras import ops

from keras_bp import _checks

PERIODS = ("epoch", "batch")

# A sigmoid of this slope is a step in float32.
_STEEPEST = 1e6


class SlopeAnnealing(keras.callbacks.Callback):
    r"""Multiplies the slope of every `BinaryNeuron` of the model.

    After each epoch (or batch; with `steps_per_execution`, that many batches)
    :math:`s \leftarrow \min(f s, s_{max})`; a slope above the bound stays. The
    slope is a weight of the layer: it is saved with the model, and training
    goes on from it. The logs get `slope`, the slope with which the epoch (or
    batch) was trained; where the neurons differ, the largest.

    Args:
        factor: Positive float :math:`f`. Defaults to `1.1`.
        every: String, `"epoch"` or `"batch"`. Defaults to `"epoch"`.
        max_slope: Positive float, or None for 1e6, where the sigmoid is a
            step. Defaults to `None`.

    Raises:
        ValueError: A number is not positive, `every` is unknown, or, after
            the first batch, the model holds no `BinaryNeuron`.

    Example:

    >>> from keras_bp.callbacks import SlopeAnnealing
    >>> SlopeAnnealing(factor=1.1, every="epoch", max_slope=6.0).factor
    1.1

    Reference:
        Chung, Ahn and Bengio, 2017, https://arxiv.org/abs/1609.01704.
    """

    def __init__(self, factor=1.1, every="epoch", max_slope=None):
        super().__init__()
        owner = type(self).__name__
        _checks.check_positive("factor", factor, owner=owner)
        _checks.check_one_of("every", every, PERIODS, owner=owner)
        if max_slope is not None:
            _checks.check_positive("max_slope", max_slope, owner=owner)
        self.factor = float(factor)
        self.every = every
        self.max_slope = max_slope

    def on_train_begin(self, logs=None):
        self._trained_with = None

    def on_train_batch_end(self, batch, logs=None):
        # Not before: a model may be built by its first batch.
        if self._trained_with is None:
            self._check_model()
        if self.every == "batch":
            self._anneal()
            self._log(logs)

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self._anneal()
        self._log(logs)

    def _check_model(self):
        if not self._slopes():
            raise ValueError(
                f"{type(self).__name__} expects a model that holds a "
                "keras_bp.layers.BinaryNeuron. "
                f"Received: model={self.model.name!r} without one"
            )
        self._trained_with = self._largest()

    def _log(self, logs):
        if logs is not None:
            logs["slope"] = self._trained_with

    def _anneal(self):
        self._trained_with = self._largest()
        for slope in self._slopes():
            before = _number(slope)
            # A slope above the bound from the start stays where it is.
            bound = max(self.max_slope or _STEEPEST, before)
            slope.assign(min(before * self.factor, bound))

    def _largest(self):
        return max(_number(slope) for slope in self._slopes())

    def _slopes(self):
        # By the name of the weight: `model.weights` reaches every level of
        # nesting, and `model.layers` does not.
        weights = self.model.non_trainable_weights
        return [weight for weight in weights if weight.name == "binary_slope"]


def _number(variable):
    # Of replicas, a variable has a value for each.
    return float(ops.convert_to_numpy(variable))
