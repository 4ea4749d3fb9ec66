"""Proximal steps of units whose slope is an exponential below zero."""

from keras import ops

from keras_bp.ops._lambert_w import lambert_w_exp, smallest_root

# Slope above zero, and limit of the slope below zero at zero.
SLOPES = {
    "elu": (1.0, 1.0),
    "selu": (1.0507009873554805, 1.0507009873554805 * 1.6732632423543772),
}
_TINY = 1e-30


def exponential_unit(c, b, k, name):
    """`u` of `proximal_unit` for `"elu"` and `"selu"`."""
    above, below = SLOPES[name]
    size = k * ops.abs(b)
    log = ops.log(ops.maximum(size * below, _TINY)) + c
    falling = _falling(c, b, k, (above, below), log)
    # Upwards: a root of the exponential, unless zero is reached before; then
    # zero itself, where the slope drops, or a point beyond.
    move = smallest_root(ops.exp(ops.minimum(log, 0.0)))
    met = ops.logical_and(log <= -1.0, c + move <= 0)
    rise = b * below * ops.exp(ops.minimum(c + move, 0.0))
    kink = ops.minimum(c, 0.0) / ops.maximum(k, _TINY)
    beyond = ops.where(c + size * above < 0, kink, b * above)
    rising = ops.where(ops.logical_and(met, c <= 0), rise, beyond)
    return ops.where(b > 0, falling, rising)


def _falling(c, b, k, slopes, log):
    """Downwards; where the slope rises at zero, both kinds may have a root."""
    above, below = slopes
    move = lambert_w_exp(log)
    by_slope = b * below * ops.exp(ops.minimum(c - move, 0.0))
    # Far below its start, the move is the more exact.
    found = ops.where(move > 1.0, move / ops.maximum(k, _TINY), by_slope)
    stays = ops.logical_and(c > 0, c >= k * b * above)
    return ops.where(stays, b * above, found)
