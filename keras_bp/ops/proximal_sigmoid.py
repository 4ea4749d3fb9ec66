"""The gradient of binary cross-entropy at the end of its proximal step."""

from keras import ops

from keras_bp.ops._wide import widened
from keras_bp.ops.proximal_softmax import solve_softmax


def proximal_sigmoid(logits, targets, squared_norm):
    r"""The gradient `p - y` of binary cross-entropy after an implicit step.

    For each unit on its own, the only root of
    :math:`u = \operatorname{sigmoid}(c - k u) - y`; the step is
    :math:`w = w_0 - \eta u z`. It is `proximal_softmax` of the two classes
    with the logits :math:`(c, 0)` and :math:`k / 2`.

    Args:
        logits: Float tensor of shape `(..., units)`, :math:`c = w_0 z`.
        targets: Float tensor of that shape, from 0 to 1.
        squared_norm: Float tensor that broadcasts to that shape, such as
            `(..., 1)`: :math:`k = \eta |z|^2`, zero or greater. Multiply it by
            the weight of a weighted loss, and then the result too.

    Returns:
        Tensor with the shape and dtype of `logits`. It is solved in float32
        for narrower ones, and passes no gradient.

    Example:
        >>> from keras_bp import ops
        >>> float(ops.proximal_sigmoid([[0.0]], [[1.0]], [[0.0]])[0, 0])
        -0.5

    Reference:
        Fagan and Iyengar, 2018, https://arxiv.org/abs/1808.02433.
    """
    (c, y, k), dtype = widened(logits, targets, squared_norm)
    c = ops.stack([c, ops.zeros_like(c)], axis=-1)
    y = ops.stack([y, 1.0 - y], axis=-1)
    g = solve_softmax(c, y, ops.expand_dims(0.5 * k, -1))[..., 0]
    return ops.cast(ops.stop_gradient(g), dtype)
