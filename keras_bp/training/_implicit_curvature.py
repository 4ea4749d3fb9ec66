"""How strongly the loss curves in the weights of each layer."""

import keras
from keras import ops

from keras_bp.training._implicit_layers import Diagonal, wide

# Bounds of the second derivative of a term of the loss in one logit.
_BOUNDS = (
    (
        (
            keras.losses.CategoricalCrossentropy,
            keras.losses.SparseCategoricalCrossentropy,
        ),
        lambda units: 0.5,
    ),
    ((keras.losses.BinaryCrossentropy,), lambda units: 0.25 / units),
    ((keras.losses.MeanSquaredError,), lambda units: 2.0 / units),
)


def output_bound(loss, units):
    """The bound for a loss, or 1 for one that is not known.

    Args:
        loss: `keras.losses.Loss`, or anything else.
        units: Integer, over which a term may average.
    """
    for classes, bound in _BOUNDS:
        if isinstance(loss, classes):
            return bound(units)
    return 1.0


def probe(logits, weights, seed):
    """A sum of logits with random signs, whose gradients show curvature.

    Args:
        logits: List of tensors `(batch, ...)`.
        weights: Tensor `(batch,)` of the weights of examples, or None.
        seed: `keras.random.SeedGenerator`.
    """
    total = 0.0
    for each in logits:
        each = wide(each)
        noise = keras.random.uniform(ops.shape(each), seed=seed)
        signs = ops.cast(ops.where(noise < 0.5, -1.0, 1.0), each.dtype)
        if weights is not None:
            shape = (-1, *(1,) * (len(each.shape) - 1))
            signs = signs * ops.sqrt(ops.reshape(wide(weights), shape))
        total = total + ops.sum(each * signs)
    return total


def curvature(parts, gradients):
    """The curvature of a layer whose trace is that of Gauss and Newton.

    The squared gradients of a `probe` add up to an estimate of the trace of
    `J^T J`; the rows of a layer, with one curvature for all of its units, have
    the trace below.

    Args:
        parts: List of `Rows` and `Diagonal`.
        gradients: List of tensors, of all of their weights.

    Returns:
        Scalar tensor, to be multiplied with a bound of the loss.
    """
    squares = sum(
        ops.sum(ops.square(wide(ops.convert_to_tensor(x)))) for x in gradients
    )
    trace = sum(_trace(part) for part in parts)
    return squares / ops.maximum(trace, 1e-12)


def _trace(part):
    if isinstance(part, Diagonal):
        size = 1
        for length in part.weights[0].shape:
            size *= length
        gram = ops.convert_to_tensor(part.gram)
        return ops.mean(gram) * size
    units = part.weights[0].shape[-1]
    return units * ops.sum(ops.square(part.rows))
