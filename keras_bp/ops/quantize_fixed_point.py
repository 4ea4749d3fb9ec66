"""Rounding to a fixed-point format, with a straight-through gradient."""

import math

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.ops._wide import ceil, floor, wide_dtype
from keras_bp.ops.fixed_point import FixedPoint
from keras_bp.ops.signed_digits import integers_of_few_digits

SATURATION_GRADIENTS = ("zero", "inward")

_LARGEST_EXPONENT = 64
_FLOAT32_BITS = 24


def quantize_fixed_point(
    x, fixed_point, log2_step=None, saturation_gradient="zero"
):
    r"""Rounds `x` to the numbers of `fixed_point`.

    Forward: :math:`y = \Delta \, o(r(x / \Delta))` with the rounding
    :math:`r`, the overflow rule :math:`o` and the step :math:`\Delta`.

    Backward: the gradient passes where :math:`r(x/\Delta)` lies in the range,
    its ends included. Beyond it, with `saturation_gradient="zero"` it is 0,
    the derivative of the saturation; with `"inward"` it passes where a step
    against it leads back to the range, so that a weight cannot get stuck.
    With `overflow="wrap"` it passes everywhere.

    With a trained step, :math:`\partial y/\partial \log_2 \Delta = \ln 2 \,
    (y - x)` in the range and :math:`\ln 2 \, y` beyond it (with `"wrap"` the
    first one everywhere); where the scale is `"power_of_two"` the rounding of
    the exponent is passed straight through.

    Args:
        x: Float tensor of any shape. Half precision is computed in float32.
        fixed_point: `FixedPoint`.
        log2_step: Scalar tensor, :math:`\log_2 \Delta`, where the scale of
            `fixed_point` is trained; else None.
        saturation_gradient: String, `"zero"` or `"inward"`.

    Returns:
        Tensor with the shape of `x`, of dtype float64 for float64, else
        float32: half precision cannot hold the result.

    Raises:
        TypeError: `fixed_point` is not a `FixedPoint`.
        ValueError: `log2_step` is missing where the scale is trained, or
            given where it is fixed; or the format has more than 24 bits,
            which float32 cannot hold, and `x` is not float64.

    Reference:
        Jain et al., 2019, https://arxiv.org/abs/1903.08066 (the gradient of
        the step).
    """
    owner = "quantize_fixed_point"
    _check_arguments(fixed_point, log2_step, saturation_gradient, owner)
    # A copy: the custom gradient refuses a variable.
    x = ops.copy(x)
    dtype = wide_dtype(x)
    check_word_length(fixed_point, dtype, owner=owner)
    if fixed_point.scale == "fixed":
        return _with_fixed_step(x, fixed_point, dtype, saturation_gradient)
    return _with_trained_step(
        x, log2_step, fixed_point, dtype, saturation_gradient
    )


def fixed_point_step(fixed_point, log2_step=None, dtype="float32"):
    """The step of `fixed_point`, exact for a power of two.

    Args:
        fixed_point: `FixedPoint`.
        log2_step: Scalar tensor where the scale is trained, else None.
        dtype: String, `"float32"` or `"float64"`.

    Returns:
        A float where the scale is fixed, else a scalar tensor.
    """
    _check_format(fixed_point, "fixed_point_step")
    if fixed_point.scale == "fixed":
        return fixed_point.step
    if fixed_point.scale == "real":
        return ops.power(ops.cast(2.0, dtype), ops.cast(log2_step, dtype))
    # A table: the power function of XLA is not exact on integers.
    exponents = np.arange(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1)
    index = ops.round(ops.cast(log2_step, "float32")) + _LARGEST_EXPONENT
    index = ops.clip(index, 0, 2 * _LARGEST_EXPONENT)
    return ops.take(ops.cast(2.0**exponents, dtype), ops.cast(index, "int32"))


def overflow_rate(x, fixed_point, log2_step=None):
    """The share of the entries of `x` that overflow `fixed_point`.

    Args:
        x: Float tensor.
        fixed_point: `FixedPoint`.
        log2_step: Scalar tensor where the scale is trained, else None.

    Returns:
        Float32 scalar tensor in [0, 1]; 0 for an empty tensor. A NaN counts
        as an overflow.

    Raises:
        TypeError: `fixed_point` is not a `FixedPoint`.
        ValueError: `log2_step` is missing where the scale is trained, or
            given where it is fixed.
    """
    _check_arguments(fixed_point, log2_step, "zero", "overflow_rate")
    x = ops.convert_to_tensor(x)
    dtype = wide_dtype(x)
    # The same operations as in the rounding itself, so that a graph shares
    # them.
    step = fixed_point_step(fixed_point, log2_step, dtype)
    rounded = _round(_divide(ops.cast(x, dtype), step), fixed_point.rounding)
    beyond = ops.cast(rounded != _clip(rounded, fixed_point), "float32")
    # Not the mean, which is NaN for an empty batch.
    return ops.sum(beyond) / ops.cast(ops.maximum(ops.size(x), 1), "float32")


def saturate(value, fixed_point, saturation_gradient):
    """Cuts `value`, in steps, off at the ends of the range.

    Args:
        value: Float tensor.
        fixed_point: `FixedPoint` that saturates.
        saturation_gradient: String, as in `quantize_fixed_point`.

    Returns:
        Tensor with the shape and dtype of `value`.
    """

    @ops.custom_gradient
    def cut(value):
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return _gate(upstream, value, fixed_point, saturation_gradient)

        return _clip(value, fixed_point), grad

    return cut(value)


def check_word_length(fixed_point, dtype, *, owner):
    """Raises `ValueError` where `dtype` cannot hold the integers exactly."""
    if dtype != "float64" and fixed_point.word_length > _FLOAT32_BITS:
        raise ValueError(
            f"{owner} expects at most {_FLOAT32_BITS} bits in float32; give "
            "the layer dtype='float64'. "
            f"Received: word_length={fixed_point.word_length}"
        )


def _check_arguments(fixed_point, log2_step, saturation_gradient, owner):
    _check_format(fixed_point, owner)
    if (fixed_point.scale == "fixed") != (log2_step is None):
        raise ValueError(
            f"{owner} expects `log2_step` exactly where the scale is trained. "
            f"Received: scale={fixed_point.scale!r}, log2_step={log2_step}"
        )
    _checks.check_one_of(
        "saturation_gradient",
        saturation_gradient,
        SATURATION_GRADIENTS,
        owner=owner,
    )


def _check_format(fixed_point, owner):
    if not isinstance(fixed_point, FixedPoint):
        raise TypeError(
            f"{owner} expects `fixed_point` to be a keras_bp.ops.FixedPoint. "
            f"Received: fixed_point={fixed_point!r} (of type "
            f"{type(fixed_point).__module__}.{type(fixed_point).__name__})"
        )


def _with_fixed_step(x, fixed_point, dtype, saturation_gradient):
    @ops.custom_gradient
    def quantize(x):
        value = _divide(ops.cast(x, dtype), fixed_point.step)
        rounded = _round(value, fixed_point.rounding)
        y = _limit(rounded, value, fixed_point) * fixed_point.step

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            dx = _gate(upstream, rounded, fixed_point, saturation_gradient)
            return ops.cast(dx, x.dtype)

        return y, grad

    return quantize(x)


def _with_trained_step(x, log2_step, fixed_point, dtype, saturation_gradient):
    @ops.custom_gradient
    def quantize(x, log2_step):
        step = fixed_point_step(fixed_point, log2_step, dtype)
        wide = ops.cast(x, dtype)
        value = _divide(wide, step)
        rounded = _round(value, fixed_point.rounding)
        y = _limit(rounded, value, fixed_point) * step

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            dx = _gate(upstream, rounded, fixed_point, saturation_gradient)
            slope = y - wide
            if fixed_point.overflow != "wrap":
                inside = rounded == _clip(rounded, fixed_point)
                slope = ops.where(inside, slope, y)
            d_log2 = ops.sum(upstream * slope) * math.log(2.0)
            return ops.cast(dx, x.dtype), ops.cast(d_log2, log2_step.dtype)

        return y, grad

    return quantize(x, ops.copy(log2_step))


def _round(value, rounding):
    if rounding == "nearest":
        # Not floor(v + 0.5): the sum can round up just below a half.
        return ceil(floor(value * 2.0) * 0.5)
    if rounding == "nearest_even":
        return ops.round(value)
    if rounding == "truncate":
        return floor(value)
    return ops.trunc(value)


def _divide(value, step):
    """Divides by a step: exactly by a power of two, and fast by a float."""
    return value * (1.0 / step) if isinstance(step, float) else value / step


def _clip(rounded, fixed_point):
    low, high = fixed_point.minimum_integer, fixed_point.maximum_integer
    return ops.clip(rounded, low, high)


def _limit(rounded, value, fixed_point):
    """Brings rounded numbers to the range, or to the few digits allowed."""
    if fixed_point.max_digits is not None:
        return _of_few_digits(value, fixed_point)
    if fixed_point.overflow != "wrap":
        return _clip(rounded, fixed_point)
    low = fixed_point.minimum_integer
    span = 2.0**fixed_point.word_length
    return rounded - floor((rounded - low) * (1.0 / span)) * span


def _of_few_digits(value, fixed_point):
    # Of the value, not of the integer next to it: that would round twice.
    table = integers_of_few_digits(
        fixed_point.minimum_integer,
        fixed_point.maximum_integer,
        fixed_point.max_digits,
    )
    between = ops.cast((table[1:] + table[:-1]) / 2, value.dtype)
    index = _places(between, ops.reshape(value, (-1,)))
    found = ops.take(ops.cast(table, value.dtype), index)
    found = ops.reshape(found, ops.shape(value))
    return ops.where(ops.isnan(value), value, found)


def _places(between, value):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Before 3.12, `ops.searchsorted` raises in a graph.
        return tf.searchsorted(between, value, side="right")
    return ops.searchsorted(between, value, side="right")


def _gate(upstream, rounded, fixed_point, saturation_gradient):
    if fixed_point.overflow == "wrap":
        return upstream
    zero = ops.cast(0.0, upstream.dtype)
    if saturation_gradient == "zero":
        inside = rounded == _clip(rounded, fixed_point)
        return ops.where(inside, upstream, zero)
    below = rounded < fixed_point.minimum_integer
    above = rounded > fixed_point.maximum_integer
    dx = ops.where(below, ops.minimum(upstream, zero), upstream)
    return ops.where(above, ops.maximum(upstream, zero), dx)
