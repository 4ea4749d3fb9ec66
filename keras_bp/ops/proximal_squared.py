"""The gradient of the squared error at the end of its proximal step."""

from keras import ops

from keras_bp.ops._wide import widened


def proximal_squared(logits, targets, squared_norm):
    r"""The gradient `q - y` of half the squared error after an implicit step.

    For :math:`\tfrac12 (q - y)^2` of each unit, at the output
    :math:`q = c - k u` of the step :math:`w = w_0 - \eta u z`:
    :math:`u = (c - y) / (1 + k)`.

    Args:
        logits: Float tensor of shape `(..., units)`, :math:`c = w_0 z`.
        targets: Float tensor of that shape.
        squared_norm: Float tensor that broadcasts to that shape, such as
            `(..., 1)`: :math:`k = \eta |z|^2`, zero or greater. Multiply it by
            the weight of a weighted loss, and then the result too.

    Returns:
        Tensor with the shape and dtype of `logits`. It is computed in float32
        for narrower ones, and passes no gradient.

    Example:
        >>> from keras_bp import ops
        >>> float(ops.proximal_squared([[3.0]], [[1.0]], [[1.0]])[0, 0])
        1.0
    """
    (c, y, k), dtype = widened(logits, targets, squared_norm)
    return ops.cast(ops.stop_gradient((c - y) / (1.0 + k)), dtype)
