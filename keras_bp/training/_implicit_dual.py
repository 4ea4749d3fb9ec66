"""The joint proximal step of a batch, layer by layer."""

import dataclasses

from keras import ops

from keras_bp.training._implicit_layers import Diagonal


@dataclasses.dataclass(frozen=True)
class Step:
    """Numbers of a proximal step.

    Attributes:
        rate: Scalar tensor, the learning rate.
        terms: Scalar tensor, the number of terms that the loss averages.
        decays: Dictionary from the id of a weight to the factor of its L2
            penalty, `mu` of `mu / 2 |w|^2`.
    """

    rate: object
    terms: object
    decays: dict


def dual_gradients(part, gradients, logit_gradients, curvature, step):
    """Gradients by which explicit steps become implicit ones.

    For the weights `[kernel; bias]` of `Rows`, with the Gram matrix A of its
    rows by the number of terms, and the curvature h: `(I + rate (h A + mu))^-1`
    times the gradient.

    Args:
        part: `Rows` or `Diagonal`.
        gradients: List of tensors, gradients of its weights, or None where
            `logit_gradients` are given.
        logit_gradients: Tensor `(rows, units)` or None.
        curvature: Scalar tensor h.
        step: `Step`.

    Returns:
        List of tensors.
    """
    if isinstance(part, Diagonal):
        decay = step.decays.get(id(part.weights[0]), 0.0)
        damping = curvature * part.gram / step.terms + decay
        return [gradients[0] / (1.0 + step.rate * damping)]
    if logit_gradients is not None:
        return _split(
            part, _in_sample_space(part, logit_gradients, curvature, step)
        )
    return _split(part, _from_gradient(part, gradients, curvature, step))


def _in_sample_space(part, logit_gradients, curvature, step):
    """`Z^T (I + rate h Z Z^T / n)^-1 G`, of rows times roots of weights."""
    rows = part.rows
    scale = step.rate * curvature / step.terms
    if part.roots is not None:
        # They hold the weights, of which the rows took the root.
        logit_gradients = ops.where(
            part.roots > 0,
            logit_gradients / ops.maximum(part.roots, 1e-30),
            ops.zeros_like(logit_gradients),
        )
    solved = _solve(_gram(rows, True), scale, logit_gradients)
    return ops.matmul(ops.transpose(rows), solved)


def _from_gradient(part, gradients, curvature, step):
    gradient = join(gradients)
    shrink = _shrinkage(part, step)
    rows, scale = part.rows, step.rate * curvature / step.terms
    if shrink is not None:
        rows = rows * shrink
        gradient = gradient * ops.transpose(shrink)
    count, features = rows.shape
    if count is not None and count < features:
        # Woodbury: the gradient may have parts outside the rows.
        met = ops.matmul(rows, gradient)
        solved = _solve(_gram(rows, True), scale, met)
        found = gradient - scale * ops.matmul(ops.transpose(rows), solved)
    else:
        found = _solve(_gram(rows, False), scale, gradient)
    return found if shrink is None else found * ops.transpose(shrink)


def _shrinkage(part, step):
    """Roots of `1 / (1 + rate mu)` for each feature, `(1, features)`."""
    decays = [step.decays.get(id(x)) for x in part.weights]
    if not any(x is not None for x in decays):
        return None
    found = []
    for weight, decay in zip(part.weights, decays, strict=True):
        size = _matrix_shape(weight)[0]
        each = 1.0 if decay is None else 1.0 + step.rate * decay
        one = ops.ones((1, size), part.rows.dtype)
        found.append(one / ops.sqrt(ops.cast(each, part.rows.dtype)))
    return ops.concatenate(found, axis=1)


def _gram(rows, of_samples):
    other = ops.transpose(rows)
    return ops.matmul(rows, other) if of_samples else ops.matmul(other, rows)


def _solve(gram, scale, right):
    """`(I + scale gram)^-1 right`, by Cholesky's decomposition.

    Divided by `1 + scale`, so that large rates stay in range; then rounding
    would make the matrix indefinite but for a little more of the identity, the
    same for `Z Z^T` and `Z^T Z`.
    """
    import tensorflow as tf

    size = gram.shape[0]
    size = ops.shape(gram)[0] if size is None else size
    low, high = 1.0 / (1.0 + scale), scale / (1.0 + scale)
    epsilon = 2e-16 if gram.dtype == "float64" else 1.2e-7
    more = epsilon * high * ops.trace(gram)
    matrix = (low + more) * ops.eye(size, dtype=gram.dtype) + high * gram
    # Not by `ops.cholesky`, which raises for NaN, in graph mode alone.
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrix), low * right)


def join(tensors):
    """A matrix `(features, units)` from a kernel, and perhaps a bias."""
    kernel, *bias = tensors
    parts = [ops.reshape(kernel, (-1, kernel.shape[-1]))]
    parts += [ops.expand_dims(x, 0) for x in bias]
    return ops.concatenate(parts) if bias else parts[0]


def _split(part, matrix):
    """The inverse of `join`, for the weights of a part."""
    found, begin = [], 0
    for weight in part.weights:
        size = _matrix_shape(weight)[0]
        rows = matrix[begin : begin + size]
        found.append(ops.reshape(rows, weight.shape))
        begin += size
    return found


def _matrix_shape(weight):
    if len(weight.shape) == 1:
        return 1, weight.shape[0]
    size = 1
    for length in weight.shape[:-1]:
        size *= length
    return size, weight.shape[-1]
