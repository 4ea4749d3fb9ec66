"""Surrogates, functions whose gradient is a given estimate."""

from keras import ops

from keras_bp.ops._node_distributions import sum_units


def weighted_log_prob(distribution, value, signal):
    """One with the gradient `signal` times the score, shape `(rows,)`."""
    return ops.stop_gradient(signal) * distribution.joint_log_prob(value)


def with_gradient(tensors, gradients):
    """One with these gradients in these tensors, shape `(rows,)`."""
    return sum(
        sum_units(ops.stop_gradient(gradient) * tensor)
        for tensor, gradient in zip(tensors, gradients, strict=True)
    )


def rows_times(signal, tensor):
    """`signal`, shape `(rows,)`, times each row of a tensor."""
    rank = len(tensor.shape)
    shape = (-1, *(1,) * (rank - 1))
    return ops.reshape(signal, shape) * tensor


def mean_square(gradients):
    """Of all units together, averaged over rows: a scalar."""
    return sum(ops.mean(sum_units(ops.square(x))) for x in gradients)
