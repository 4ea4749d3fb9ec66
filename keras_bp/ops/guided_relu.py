"""A rectifier whose backward rule is vanilla, guided, or DeconvNet's."""

import keras
from keras import ops

from keras_bp import _checks

RULES = ("guided", "deconvnet", "vanilla")


def guided_relu(
    x, rule="guided", max_value=None, negative_slope=0.0, threshold=0.0
):
    r"""Rectifies `x`; the gradient follows `rule`.

    Forward, as `keras.layers.ReLU`: `max_value` where :math:`x \ge`
    `max_value`, :math:`x` between `threshold` and `max_value`, and
    `negative_slope` :math:`(x -` `threshold` :math:`)` up to `threshold`.

    Backward, for the incoming gradient :math:`R` and the gate :math:`g` (1
    strictly between `threshold` and `max_value`, `negative_slope` below
    `threshold`, 0 from `max_value` on; on `threshold` itself
    `negative_slope`): `"vanilla"` :math:`g R`; `"guided"`
    :math:`g \max(R, 0)`; `"deconvnet"` :math:`\max(R, 0)` without a gate.

    Args:
        x: Float tensor of any shape.
        rule: String, `"guided"`, `"deconvnet"`, or `"vanilla"`.
        max_value: Float above `threshold`, or None for no upper bound.
        negative_slope: Float, zero or greater.
        threshold: Float, zero or greater.

    Returns:
        Tensor with the shape and dtype of `x`.

    Raises:
        ValueError: `rule` is unknown, or a number is out of its range.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039;
        Springenberg et al., 2015, https://arxiv.org/abs/1412.6806 (guided);
        Zeiler and Fergus, 2014, https://arxiv.org/abs/1311.2901 (deconvnet).
    """
    check_rectifier(
        rule, max_value, negative_slope, threshold, owner="guided_relu"
    )

    @ops.custom_gradient
    def rectify(x):
        y = keras.activations.relu(
            x,
            negative_slope=negative_slope,
            max_value=max_value,
            threshold=threshold,
        )

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            if rule != "vanilla":
                upstream = ops.relu(upstream)
            if rule == "deconvnet":
                return upstream
            return _gate(x, upstream, max_value, negative_slope, threshold)

        return y, grad

    # A copy: the custom gradient refuses a variable.
    return rectify(ops.copy(x))


def check_rectifier(rule, max_value, negative_slope, threshold, *, owner):
    """Raises `ValueError` unless the arguments make a rectifier."""
    _checks.check_one_of("rule", rule, RULES, owner=owner)
    _checks.check_not_negative("negative_slope", negative_slope, owner=owner)
    _checks.check_number("threshold", threshold, owner=owner)
    # As in `keras.layers.ReLU`, whose bounded form is cut off at zero.
    _checks.check_not_negative("threshold", threshold, owner=owner)
    if max_value is not None:
        _checks.check_number("max_value", max_value, owner=owner)
    if max_value is not None and not max_value > threshold:
        raise ValueError(
            f"{owner} expects `max_value` to be greater than `threshold`. "
            f"Received: max_value={max_value}, threshold={threshold}"
        )


def _gate(x, gradient, max_value, negative_slope, threshold):
    zero = ops.cast(0.0, gradient.dtype)
    below = gradient * negative_slope if negative_slope else zero
    gated = ops.where(x > threshold, gradient, below)
    if max_value is None:
        return gated
    return ops.where(x < max_value, gated, zero)
