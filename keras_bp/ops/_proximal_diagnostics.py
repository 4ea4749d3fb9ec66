"""Where the proximal problem of a unit is not a simple one."""

from keras import ops

from keras_bp.ops import _proximal_closed as closed
from keras_bp.ops._proximal_exponential import SLOPES
from keras_bp.ops._proximal_slopes import BENDS
from keras_bp.ops._wide import widened

_BENDS = {**BENDS, "elu": SLOPES["elu"][1], "selu": SLOPES["selu"][1]}
_MONOTONE = ("softplus", "elu")


def proximal_roots(
    logits, gradient, squared_norm, activation, negative_slope=None
):
    """Marks the units with several stationary points, and those on a kink.

    Args:
        logits: As all that follow, see `proximal_unit`.
        gradient: Tensor.
        squared_norm: Tensor.
        activation: String.
        negative_slope: Float or None.

    Returns:
        Two boolean tensors. `several`: whether there is more than one
        stationary point, exact for rectifiers, `"hard_tanh"` and `"arctan"`;
        for the others, whether there may be, as `k |b|` times the largest
        second derivative exceeds 1. `kink`: whether the step ends on a kink
        of a rectifier or of `"hard_tanh"`.
    """
    (c, b, k), _ = widened(logits, gradient, squared_norm)
    none = ops.zeros_like(c + b + k) > 0
    if activation in ("relu", "leaky_relu"):
        slope = _slope(activation, negative_slope)
        _, kink = closed.rectified_unit(c, b, k, slope)
        several = ops.logical_and(c > k * b, c <= k * slope * b)
        return ops.logical_or(none, several), ops.logical_or(none, kink)
    if activation == "hard_tanh":
        _, kink = closed.hard_tanh_unit(c, b, k)
        ahead = ops.where(b > 0, c, -c)
        several = ops.logical_and(ahead >= 1.0, ahead < 1.0 + k * ops.abs(b))
        return ops.logical_or(none, several), ops.logical_or(none, kink)
    if activation == "arctan":
        return ops.logical_or(none, closed.arctan_several(c, b, k)), none
    if activation == "linear":
        return none, none
    several = k * ops.abs(b) * _BENDS[activation] > 1.0
    if activation in _MONOTONE:
        # Convex activations: so are their problems, for positive gradients.
        several = ops.logical_and(several, b < 0)
    return ops.logical_or(none, several), none


def _slope(activation, negative_slope):
    if activation == "relu":
        return 0.0
    return closed.LEAKY_SLOPE if negative_slope is None else negative_slope
