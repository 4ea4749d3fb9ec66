"""Inverses of symmetric positive definite matrices, in graph mode and XLA."""

import numpy as np
from keras import ops

# Pivots that are eliminated at once.
_BLOCK = 8


def inverses(matrices, compiled):
    """Inverts symmetric positive definite matrices.

    Args:
        matrices: Tensor `(count, size, size)`, float32 or float64.
        compiled: Boolean, whether XLA compiles what calls this. Its own
            decompositions take several times as long as a training step.

    Returns:
        Tensor of the same shape.
    """
    if compiled:
        return _swept(matrices)
    import tensorflow as tf

    # Which raises for NaN; what comes of them is not used.
    sums = ops.sum(matrices, axis=(1, 2), keepdims=True)
    eye = ops.eye(ops.shape(matrices)[-1], dtype=matrices.dtype)
    return tf.linalg.inv(ops.where(ops.isfinite(sums), matrices, eye))


def _swept(matrices):
    """Inverses by the sweep operator, a block of pivots at a time."""
    import tensorflow as tf

    # Where the batch is not known before, XLA still knows it when it compiles.
    size = matrices.shape[-1] or tf.shape(matrices)[-1]
    more = -size % _BLOCK
    whole = size + more
    padded = tf.pad(matrices, ((0, 0), (0, more), (0, more)))
    ones = ops.cast(tf.range(whole) >= size, matrices.dtype)
    padded = padded + tf.linalg.diag(ones)
    found = ops.fori_loop(
        0, whole // _BLOCK, lambda i, x: _sweep_block(x, i, whole), padded
    )
    # Swept by all, a matrix is the negative of its inverse.
    return -found[:, :size, :size]


def _sweep_block(matrices, index, size):
    count, begin = matrices.shape[0], index * _BLOCK
    row = ops.slice(matrices, (0, begin, 0), (count, _BLOCK, size))
    pivot = _invert_pivot(
        ops.slice(row, (0, 0, begin), (count, _BLOCK, _BLOCK))
    )
    # The rest of the row, with minus the identity in place of the pivot.
    place = ops.arange(size) // _BLOCK
    inside = ops.cast(ops.equal(place, index), matrices.dtype)
    unit = ops.cast(
        ops.equal(
            ops.expand_dims(ops.arange(_BLOCK) + begin, 1), ops.arange(size)
        ),
        matrices.dtype,
    )
    row = row * (1.0 - inside) - unit
    left, right = ops.transpose(row, (0, 2, 1)), ops.matmul(pivot, row)
    outside = ops.expand_dims(1.0 - inside, 1) * (1.0 - inside)
    return matrices * outside - ops.matmul(left, right)


def _invert_pivot(block):
    """Sweeps all pivots of small matrices, one after the other."""
    size = block.shape[-1]
    for index in range(size):
        unit = np.zeros(size)
        unit[index] = 1.0
        unit = ops.convert_to_tensor(unit, block.dtype)
        row = block[:, index] * (1.0 - unit) - unit
        square = ops.expand_dims(row, 2) * ops.expand_dims(row, 1)
        outside = ops.expand_dims(1.0 - unit, 1) * (1.0 - unit)
        pivot = block[:, index : index + 1, index : index + 1]
        block = block * outside - square / pivot
    return -block
