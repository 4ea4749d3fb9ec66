"""The gradient of softmax cross-entropy at the end of its proximal step."""

from keras import ops

from keras_bp.ops._lambert_w import lambert_w_exp
from keras_bp.ops._wide import by_precision, widened

# Below, an implicit step is the explicit one to rounding.
_SMALLEST = 1e-12
_TINY = 1e-30
# About 4 are usual; 20 are met with soft targets of a thousand classes.
_STEPS = 30


def proximal_softmax(logits, targets, squared_norm):
    r"""The gradient `p - y` of softmax cross-entropy after an implicit step.

    For one example with input :math:`z`, weights :math:`W_0` and step size
    :math:`\eta`, the whole loss is kept, not its tangent:

    .. math:: W = \arg\min_W \operatorname{CE}(y, \operatorname{softmax}(W z))
        + \tfrac{1}{2 \eta} |W - W_0|^2 = W_0 - \eta (p - y) z^T,
        \quad p = \operatorname{softmax}(c - k (p - y)),

    for the logits :math:`c = W_0 z` and :math:`k = \eta |z|^2`. Then
    :math:`p_j = W_0(k e^{c_j + k y_j - \nu}) / k` with Lambert's function and
    the :math:`\nu` for which they sum to 1, found by a guarded Newton
    iteration. What is solved for is :math:`k (p - y)`, by its logarithm, so
    that float32 suffices for `squared_norm` from 0 to 1e8 and logits up to
    1e4. For a weighted loss, multiply `squared_norm` by the weight, and then
    the result too.

    Args:
        logits: Float tensor of shape `(..., classes)`.
        targets: Float tensor of that shape, probabilities that sum to 1 over
            the last axis.
        squared_norm: Float tensor of shape `(..., 1)`, or one that broadcasts
            to it: :math:`k`, zero or greater.

    Returns:
        Tensor with the shape and dtype of `logits`. It is solved in float32
        for narrower ones, and passes no gradient.

    Example:
        >>> from keras_bp import ops
        >>> g = ops.proximal_softmax([[0.0, 0.0]], [[1.0, 0.0]], [[1e6]])
        >>> bool(abs(g[0, 0] + g[0, 1]) < 1e-12)
        True

    Reference:
        Fagan and Iyengar, 2018, https://arxiv.org/abs/1808.02433.
    """
    (c, y, k), dtype = widened(logits, targets, squared_norm)
    return ops.cast(ops.stop_gradient(solve_softmax(c, y, k)), dtype)


def solve_softmax(c, y, k):
    """`proximal_softmax` of tensors of one dtype, float32 or float64."""
    k = ops.maximum(k, _SMALLEST)
    # The sum of `w = k p` is at least `k` at `low`, and at most at `high`.
    low = ops.logsumexp(c - k * (1.0 - y), axis=-1, keepdims=True)
    high = low + k
    # Rounded: not to exclude the root.
    low = low - 1e-5 * (1.0 + ops.abs(low))
    high = high + 1e-5 * (1.0 + ops.abs(high))

    tolerance = by_precision(c, 1e-3, 1e-5)

    def goes_on(low, high, nu, change):
        return ops.any(ops.abs(change) > tolerance)

    def step(low, high, nu, change):
        move, slope = _moves(c, y, k, nu)
        excess = ops.sum(move, axis=-1, keepdims=True)
        grade = ops.sum(slope, axis=-1, keepdims=True)
        ratio = ops.maximum(excess / k, -1.0 + 1e-7)
        left = excess > 0
        low, high = ops.where(left, nu, low), ops.where(left, high, nu)
        # Newton for the logarithm of the sum: exact for small `w`.
        change = k * (1.0 + ratio) * ops.log1p(ratio) / (grade + _TINY)
        new = nu + change
        inside = ops.logical_and(new >= low, new <= high)
        new = ops.where(inside, new, 0.5 * (low + high))
        return low, high, new, new - nu

    state = (low, high, low, ops.ones_like(low))
    nu = ops.while_loop(goes_on, step, state, maximum_iterations=_STEPS)[2]
    move, slope = _moves(c, y, k, nu)
    # What is left of the sum, by one more step, which is nearly linear.
    excess = ops.sum(move, axis=-1, keepdims=True)
    grade = ops.sum(slope, axis=-1, keepdims=True)
    return (move - slope * (excess / (grade + _TINY))) / k


def _moves(c, y, k, nu):
    """`k (p - y)` for some `nu`, and minus its derivative."""
    x, base = c - nu, k * y
    w = lambert_w_exp(x + (base + ops.log(k)))
    move = w - base
    # Where `k y` is large, its rounding hides the move: once more without it.
    p = ops.maximum(y + move / k, _TINY)
    better = move - (move + ops.log(p) - x) * (w / (1.0 + w))
    hidden = ops.logical_and(base > 1.0, w > 0.5 * base)
    move = ops.where(hidden, better, move)
    return move, w / (1.0 + w)
