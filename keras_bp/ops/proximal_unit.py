"""The gradient of a unit at the end of its proximal step."""

import functools

from keras import ops

from keras_bp import _checks
from keras_bp.ops import _proximal_closed as closed
from keras_bp.ops._proximal_exponential import exponential_unit
from keras_bp.ops._proximal_slopes import SLOPES
from keras_bp.ops._proximal_smooth import smooth_unit
from keras_bp.ops._wide import widened

_RULES = {
    "elu": functools.partial(exponential_unit, name="elu"),
    "hard_tanh": lambda c, b, k: closed.hard_tanh_unit(c, b, k)[0],
    "linear": closed.linear_unit,
    "relu": lambda c, b, k: closed.rectified_unit(c, b, k, 0.0)[0],
    "selu": functools.partial(exponential_unit, name="selu"),
    **{name: functools.partial(smooth_unit, name=name) for name in SLOPES},
}
ACTIVATIONS = ("leaky_relu", *_RULES)


def proximal_unit(
    logits, gradient, squared_norm, activation, negative_slope=None
):
    r"""Solves the proximal problem of single units for single examples.

    For a unit with weights :math:`w_0`, input :math:`z` (with a 1 for the
    bias), activation :math:`\sigma`, and the gradient :math:`b` of the loss by
    its output, all else linearized:

    .. math:: \min_w b \sigma(w z) + \tfrac{1}{2 \eta} |w - w_0|^2.

    With :math:`c = w_0 z` and :math:`k = \eta |z|^2`, the step is
    :math:`w = w_0 - \eta u z`, for a root of
    :math:`u = b \sigma'(c - k u)`, which is what this returns. For :math:`k`
    of zero it is the explicit gradient :math:`b \sigma'(c)`.

    Of several roots it is the nearest to zero, the first stationary point on
    the way downhill from :math:`w_0`. Rectifiers and `"hard_tanh"` take the
    global minimum instead: for :math:`b < 0` a rectifier is active after the
    step where :math:`c > -k |b| (1 + a) / 2` for the slope :math:`a` below
    zero, so that a dead unit may live again; for :math:`b > 0` it stops at
    its kink, :math:`u = c / k`. On a kink, an explicit step takes the slope
    that is nearer to zero.

    An L2 penalty :math:`\tfrac{\mu}{2} |w|^2` inside the problem leaves
    :math:`w (1 + \eta \mu) = w_0 - \eta b \sigma'(w z) z`: call with
    :math:`c / (1 + \eta \mu)` and :math:`b / (1 + \eta \mu)`, and the same
    :math:`k`. Then :math:`w = w_0 / (1 + \eta \mu) - \eta u z`, the step of an
    optimizer without weight decay for the gradient
    :math:`\mu w_0 / (1 + \eta \mu) + u z`.

    Args:
        logits: Float tensor of any shape, such as `(rows, units)`: :math:`c`.
        gradient: Float tensor of that shape: :math:`b`.
        squared_norm: Float tensor that broadcasts to it, such as `(rows, 1)`:
            :math:`k`, zero or greater.
        activation: String, `"arctan"`, `"elu"`, `"gelu"`, `"gelu_tanh"` (its
            approximation), `"hard_tanh"`, `"leaky_relu"`, `"linear"`,
            `"relu"`, `"selu"`, `"sigmoid"`, `"silu"`, `"softplus"` or
            `"tanh"`.
        negative_slope: Float, zero or greater, of `"leaky_relu"`, or None for
            0.2. No other activation takes one.

    Returns:
        Tensor with the shape and dtype of `logits`. It is solved in float32
        for narrower ones, and passes no gradient.

    Raises:
        ValueError: `activation` is unknown, or `negative_slope` not for it.

    Example:
        >>> from keras_bp import ops
        >>> [float(ops.proximal_unit(0.5, b, 1.0, "relu")) for b in (0.1, 9.0)]
        [0.10000000149011612, 0.5]

    Reference:
        Fagan and Iyengar, 2018, https://arxiv.org/abs/1808.02433.
    """
    owner = "proximal_unit"
    _checks.check_one_of("activation", activation, ACTIVATIONS, owner=owner)
    if negative_slope is not None and activation != "leaky_relu":
        raise ValueError(
            f"{owner} expects `negative_slope` for 'leaky_relu' alone. "
            f"Received: activation={activation!r}, "
            f"negative_slope={negative_slope!r}"
        )
    (c, b, k), dtype = widened(logits, gradient, squared_norm)
    if activation == "leaky_relu":
        slope = closed.LEAKY_SLOPE if negative_slope is None else negative_slope
        _checks.check_not_negative("negative_slope", slope, owner=owner)
        u, _ = closed.rectified_unit(c, b, k, slope)
    else:
        u = _RULES[activation](c, b, k)
    return ops.cast(ops.stop_gradient(u), dtype)
