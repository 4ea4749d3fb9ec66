"""Losses that an implicit step keeps whole, behind the last layer."""

import keras
from keras import ops

from keras_bp.ops.proximal_sigmoid import proximal_sigmoid
from keras_bp.ops.proximal_softmax import proximal_softmax
from keras_bp.ops.proximal_squared import proximal_squared
from keras_bp.training._implicit_layers import wide


def convex_loss(use, target, logits):
    """`ConvexLoss` behind the units of a layer, or None if none is known.

    Args:
        use: `Use`.
        target: `Target`.
        logits: Tensor `(..., units)`.
    """
    loss, y = target.loss, target.y
    if y is None or use.call.tape is not None:
        return None
    units = logits.shape[-1]
    from_logits = getattr(loss, "from_logits", None)
    if isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        if getattr(loss, "ignore_class", None) is not None:
            return None
        y = ops.one_hot(ops.reshape(y, (-1,)), units, dtype=logits.dtype)
        kind = "softmax"
    elif isinstance(loss, keras.losses.CategoricalCrossentropy):
        if getattr(loss, "axis", -1) != -1:
            return None
        smoothing = loss.label_smoothing
        if not _same_shape(y, logits):
            return None
        y = wide(y) * (1.0 - smoothing) + smoothing / units
        kind = "softmax"
    elif isinstance(loss, keras.losses.BinaryCrossentropy):
        if not _same_shape(y, logits):
            return None
        smoothing = loss.label_smoothing
        y = wide(y) * (1.0 - smoothing) + 0.5 * smoothing
        kind = "sigmoid"
    elif isinstance(loss, keras.losses.MeanSquaredError):
        if not _same_shape(y, logits):
            return None
        return _of("squared", y, logits, use, "linear")
    else:
        return None
    wanted = "linear" if from_logits else kind
    return _of(kind, y, logits, use, wanted)


def _same_shape(y, logits):
    """Whether targets are one for each logit, and none is broadcast."""
    units = logits.shape[-1]
    if len(y.shape) == len(logits.shape):
        return y.shape[-1] == units
    return units == 1 and len(y.shape) == len(logits.shape) - 1


def _of(kind, y, logits, use, activation):
    if use.activation != activation:
        return None
    return ConvexLoss(kind, y, logits, wide(use.call.logits))


class ConvexLoss:
    """A convex function of the logits of each row.

    Args:
        kind: String, "softmax", "sigmoid" or "squared".
        y: Tensor of as many numbers as logits.
        logits: Tensor `(..., units)`, of the weights that penalties shrank.
        explicit: Tensor of the same shape, of the weights as they are.
    """

    def __init__(self, kind, y, logits, explicit):
        rows = (-1, logits.shape[-1])
        self._logits = ops.reshape(logits, rows)
        self._explicit = ops.reshape(explicit, rows)
        self._y = ops.reshape(ops.cast(y, logits.dtype), rows)
        self._kind, self._shape = kind, ops.shape(logits)

    def solved(self, delta, squares):
        """The gradient of the logits at the implicit point.

        Args:
            delta: Tensor of the shape of the logits, the gradient of the whole
                loss. Its projection on that of the function tells the weight of
                each row, whatever the loss reduces or weighs by; the rest stays
                linear.
            squares: Tensor `(..., 1)`, rate times the squared norm of inputs.
        """
        delta = ops.reshape(delta, ops.shape(self._logits))
        squares = ops.reshape(squares, (-1, 1))
        explicit = self._gradient()
        square = ops.sum(ops.square(explicit), axis=-1, keepdims=True)
        tiny = 1e-30
        along = ops.sum(explicit * delta, axis=-1, keepdims=True)
        weight = ops.maximum(along / ops.maximum(square, tiny), 0.0)
        function = {
            "softmax": proximal_softmax,
            "sigmoid": proximal_sigmoid,
            "squared": proximal_squared,
        }[self._kind]
        found = function(self._logits, self._y, squares * weight)
        whole = weight * found + (delta - weight * explicit)
        return ops.reshape(whole, self._shape)

    def _gradient(self):
        if self._kind == "softmax":
            return ops.softmax(self._explicit, axis=-1) - self._y
        if self._kind == "sigmoid":
            return ops.sigmoid(self._explicit) - self._y
        return self._explicit - self._y
