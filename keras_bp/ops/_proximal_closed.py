"""Proximal steps of units by closed forms."""

from keras import ops

# Of a leaky rectifier, as in Keras.
LEAKY_SLOPE = 0.2
_TINY = 1e-30


def linear_unit(c, b, k):
    """`u` of `proximal_unit` for `"linear"`: a line is its own model."""
    return b + ops.zeros_like(c)


def rectified_unit(c, b, k, slope):
    """`u` of `proximal_unit` for a rectifier with a slope below zero.

    Returns:
        Tensor, and a boolean tensor, whether the step ends on the kink.
    """
    low, high = ops.minimum(b, slope * b), ops.maximum(b, slope * b)
    above, below = c >= k * high, c <= k * low
    # On the kink itself, as in an explicit step, the slope below counts.
    ratio = c / ops.maximum(k, _TINY)
    ratio = ops.minimum(ops.maximum(ratio, low), high)
    convex = ops.where(below, low, ops.where(above, high, ratio))
    kink = ops.logical_not(ops.logical_or(above, below))
    # A hill at the kink: the lower of two minima, by their objectives.
    up = c > (0.5 * (1.0 + slope)) * (k * b)
    hill = ops.where(up, b, slope * b)
    is_convex = b * (1.0 - slope) >= 0
    return ops.where(is_convex, convex, hill), ops.logical_and(kink, is_convex)


def hard_tanh_unit(c, b, k):
    """`u` of `proximal_unit` for `"hard_tanh"`.

    Returns:
        Tensor, and a boolean tensor, whether the step ends on a kink.
    """
    # The activation is odd: only positive gradients need a rule.
    sign = _sign(b)
    c, size = sign * c, ops.abs(b)
    down, kink = rectified_unit(c + 1.0, size, k, 0.0)
    # From above 1 the step may not begin: then the gain must pay for it.
    gain = size * (1.0 - ops.clip(c - k * down, -1.0, 1.0))
    moves = ops.logical_or(c < 1.0, gain > 0.5 * (k * down) * down)
    zero = ops.zeros_like(down)
    return sign * ops.where(moves, down, zero), ops.logical_and(kink, moves)


def arctan_unit(c, b, k):
    """`u` of `proximal_unit` for `"arctan"`, from a cubic.

    With `p` the logit in the direction of the step, which begins at `s`: the
    first root of `(p - s) (1 + p^2) = k |b|`.
    """
    size = k * ops.abs(b)
    start = ops.where(b > 0, -c, c)
    # Scaled, so that no cube overflows.
    scale = ops.maximum(ops.maximum(1.0, ops.abs(start)), ops.cbrt(size))
    s, one = start / scale, 1.0 / (scale * scale)
    a = size * one / scale
    move = ops.where(
        _several(s, one, a), _first_of_three(s, one, a), _only(s, one, a)
    )

    def polish(_, move):
        p = s + move
        error = move * (one + p * p) - a
        slope = one + p * p + 2.0 * p * move
        return move - error / ops.maximum(slope, 1e-12 * one)

    # In a loop: else XLA would compute this where it need not, too.
    move = scale * ops.fori_loop(0, 2, polish, move)
    q = start + move
    by_slope = b / (1.0 + q * q)
    # Where the slope changes quickly, the move is the more exact.
    steep = -2.0 * q * size > ops.square(1.0 + q * q)
    by_move = _sign(b) * move / ops.maximum(k, _TINY)
    return ops.where(steep, by_move, by_slope)


def _sign(x):
    return ops.cast(ops.where(x > 0, 1.0, -1.0), x.dtype)


def arctan_several(c, b, k):
    """Whether the cubic of `arctan_unit` has three roots."""
    size = k * ops.abs(b)
    start = ops.where(b > 0, -c, c)
    scale = ops.maximum(ops.maximum(1.0, ops.abs(start)), ops.cbrt(size))
    one = 1.0 / (scale * scale)
    return _several(start / scale, one, size * one / scale)


def _depressed(s, one, a):
    """`P` and `-Q` of `x^3 + P x + Q`, with `p = x + s / 3`."""
    third = s * (1.0 / 3.0)
    return one - 3.0 * third * third, 2.0 * third * (third * third + one) + a


def _several(s, one, a):
    p, q = _depressed(s, one, a)
    return 4.0 * p * p * p + 27.0 * q * q <= 0


def _only(s, one, a):
    """The move to the only root, by Cardano, with sums of like signs."""
    p, q = _depressed(s, one, a)
    third, half = p * (1.0 / 3.0), 0.5 * ops.abs(q)
    inside = half * half + third * third * third
    root = ops.cbrt(half + ops.sqrt(ops.maximum(inside, 0.0)))
    root = ops.maximum(root, 1e-12)
    other = third / root
    x = q / (root * root + third + other * other)
    return x - s * (2.0 / 3.0)


def _first_of_three(s, one, a):
    """The move to the first root by Laguerre, which rises to it from zero."""
    move = ops.zeros_like(a)
    for _ in range(3):
        p = s + move
        f = move * (one + p * p) - a
        slope = one + p * p + 2.0 * p * move
        bend = 4.0 * p + 2.0 * move
        root = ops.sqrt(ops.maximum(4.0 * slope * slope - 6.0 * f * bend, 0.0))
        move = move - 3.0 * f / ops.maximum(slope + root, 1e-30)
    return move
