"""Integer-exact NumPy model of a fixed-point FIR filter, in int64."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops import padding_lengths
from keras_bp.ops.fir import PADDINGS
from keras_bp.ops.fixed_point import ROUNDINGS
from tflite_export._signals import as_int64, check_time

_LARGEST = 2**63 - 1

# A float64 is an integer of this many bits, times a power of two.
_MANTISSA_BITS = 53


def round_shift(acc, shift, rounding):
    r"""Divides integers by :math:`2^s` and rounds, without an overflow.

    Args:
        acc: Integer array of any shape.
        shift: Integer `s`. A negative one shifts to the left, exactly.
        rounding: String. `"nearest"`: half up, floor(v + 1/2).
            `"nearest_even"`: half to even. `"truncate"`: toward minus
            infinity. `"toward_zero"`.

    Returns:
        NumPy array of int64 with the shape of `acc`.

    Raises:
        TypeError: `acc` or `shift` does not hold integers.
        ValueError: A result does not fit into 64 bits, or `rounding` is
            unknown.

    Example:

    >>> import numpy as np
    >>> from tflite_export.reference import round_shift
    >>> round_shift(np.array([-6, -5, 5, 6]), 2, "nearest").tolist()
    [-1, -1, 1, 2]
    """
    owner = "round_shift"
    acc = as_int64("acc", acc, owner=owner)
    _checks.check_integer("shift", shift, owner=owner)
    _checks.check_one_of("rounding", rounding, ROUNDINGS, owner=owner)
    if shift < 0:
        largest = _LARGEST >> min(-shift, 63)
        if np.any(acc > largest) or np.any(acc < -largest):
            raise ValueError(
                f"{owner} expects results of at most 64 bits; take fewer bits "
                f"or a larger shift. Received: shift={shift}, acc from "
                f"{acc.min()} to {acc.max()}"
            )
        return acc << min(-shift, 63)
    if shift > 63:
        # At most half a step: every mode but one gives 0.
        return acc >> 63 if rounding == "truncate" else np.zeros_like(acc)
    return _round_shift_right(acc, shift, rounding)


def handle_overflow(value, fixed_point):
    """Brings integers into the range of a format.

    Args:
        value: Integer array of any shape.
        fixed_point: `keras_bp.ops.FixedPoint`; its `word_length`, `signed`
            and `overflow` count.

    Returns:
        NumPy array of int64 with the shape of `value`: the nearest end of the
        range for `"saturate"` and `"saturate_symmetric"`, and `value` modulo
        2^word_length for `"wrap"`.

    Raises:
        TypeError: `value` does not hold integers.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import handle_overflow
    >>> value = np.array([-9, 7, 8])
    >>> handle_overflow(value, FixedPoint(4, 0)).tolist()
    [-8, 7, 7]
    >>> handle_overflow(value, FixedPoint(4, 0, overflow="wrap")).tolist()
    [7, 7, -8]
    """
    value = as_int64("value", value, owner="handle_overflow")
    low, high = fixed_point.minimum_integer, fixed_point.maximum_integer
    if fixed_point.overflow != "wrap":
        return np.clip(value, low, high)
    span = 2**fixed_point.word_length
    value = value & (span - 1)
    return np.where(value > high, value - span, value)


def quantize(x, fixed_point, step_exponent):
    r"""Rounds floats to the integers of a format: the converter at the input.

    The only place where a float enters. It is exact: every float is an
    integer times a power of two, and that integer is shifted. A layer first
    casts its input to float32, so cast `x` likewise to compare.

    Args:
        x: Float array of any shape, finite.
        fixed_point: `keras_bp.ops.FixedPoint`; its `fraction_bits` do not
            count.
        step_exponent: Integer `e`; the step of the format is :math:`2^e`.

    Returns:
        NumPy array of int64 with the shape of `x`.

    Raises:
        ValueError: `x` is not finite.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import quantize
    >>> quantize(np.array([0.3, -0.6, 5.0]), FixedPoint(4, 2), -2).tolist()
    [1, -2, 7]
    """
    x = np.asarray(x, "float64")
    _checks.check_integer("step_exponent", step_exponent, owner="quantize")
    if not np.all(np.isfinite(x)):
        raise ValueError(
            "quantize expects finite numbers. Received: "
            f"{np.sum(~np.isfinite(x))} infinite or undefined ones"
        )
    fraction, exponent = np.frexp(x)
    mantissa = np.ldexp(fraction, _MANTISSA_BITS).astype("int64")
    right = _MANTISSA_BITS + step_exponent - exponent.astype("int64")
    # Beyond 60 bits to the right, all that is left of 53 bits is the sign.
    value = _round_shift_right(
        mantissa, np.clip(right, 0, 60), fixed_point.rounding
    )
    left = np.clip(-right, 0, 32)
    if fixed_point.overflow == "wrap":
        # The low 32 bits decide, since no format is longer.
        shifted = np.where(left < 32, (value & (2**32 - 1)) << left % 32, 0)
        value = np.where(left > 0, shifted, value)
    # Otherwise whatever shifts to the left is beyond 2^52, and saturates.
    return handle_overflow(value, fixed_point)


def fir(signal, taps, *, output, shift, padding, strides, complex):
    r"""Filters integers, :math:`y_t = o(r(2^{-s} \sum_k h_k x_{t-k}))`.

    Args:
        signal: Integer array of shape `(batch, time, channels)`; I and Q of
            each signal in turn if `complex`.
        taps: Integer array, h_0 first, as `QuantizedFIR.export_taps()` gives
            it: `(num_taps, inputs, filters, 2)` if `complex`, else
            `(num_taps, channels, filters)`.
        output: `keras_bp.ops.FixedPoint`, the format whose rounding r and
            overflow rule o end the sum.
        shift: Integer s, see `round_shift`.
        padding: String, see `keras_bp.ops.pad_signal`.
        strides: Positive integer; every `strides`-th output is kept.
        complex: Boolean, whether taps and channels are complex.

    Returns:
        NumPy array of int64 of shape `(batch, new_time, 2 * filters)` if
        `complex`, else `(batch, new_time, filters)`.

    Raises:
        TypeError: An array does not hold integers.
        ValueError: Shapes do not match, the signal is too short, or the sum
            may not fit into 64 bits.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import fir
    >>> x, h = np.array([[[1], [2], [3]]]), np.array([[[4]], [[-2]]])
    >>> y = fir(x, h, output=FixedPoint(8, 0), shift=1, padding="causal",
    ...         strides=1, complex=False)
    >>> y.ravel().tolist()
    [2, 3, 4]
    """
    signal = as_int64("signal", signal, owner="fir")
    kernel = (
        real_kernel(taps) if complex else as_int64("taps", taps, owner="fir")
    )
    _checks.check_integer("strides", strides, minimum=1, owner="fir")
    _check_shapes(signal, kernel, padding)
    _check_sum(signal, kernel)
    num_taps = kernel.shape[0]
    padded = _pad(signal, num_taps, padding)
    span = padded.shape[1] - num_taps + 1
    acc = sum(
        padded[:, last : last + span : strides] @ tap
        for last, tap in enumerate(kernel[::-1])
    )
    return handle_overflow(round_shift(acc, shift, output.rounding), output)


def real_kernel(taps):
    """The real kernel on I/Q channels of integer complex taps.

    The integer twin of `keras_bp.ops.complex_taps_to_real`.

    Args:
        taps: Integer array of shape `(num_taps, inputs, filters, 2)`.

    Returns:
        NumPy array of int64 of shape `(num_taps, 2 * inputs, 2 * filters)`.

    Raises:
        TypeError: `taps` does not hold integers.
        ValueError: `taps` has another shape.
    """
    taps = as_int64("taps", taps, owner="real_kernel")
    if taps.ndim != 4 or taps.shape[-1] != 2:
        raise ValueError(
            "real_kernel expects complex taps of shape (num_taps, inputs, "
            f"filters, 2). Received: shape={taps.shape}"
        )
    num_taps, inputs, filters, _ = taps.shape
    kernel = np.empty((num_taps, inputs, 2, filters, 2), "int64")
    real, imag = taps[..., 0], taps[..., 1]
    kernel[:, :, 0, :, 0], kernel[:, :, 0, :, 1] = real, imag
    kernel[:, :, 1, :, 0], kernel[:, :, 1, :, 1] = -imag, real
    return kernel.reshape(num_taps, 2 * inputs, 2 * filters)


def _round_shift_right(acc, shift, rounding):
    low = acc >> shift
    # What is shifted out, and its largest value: 2^shift itself may overflow.
    mask = _LARGEST >> (63 - shift)
    rest = acc & mask
    if rounding == "nearest":
        return low + (rest > mask - rest)
    if rounding == "nearest_even":
        tie = rest == mask - rest + 1
        return low + np.where(tie, low & 1, rest > mask - rest)
    if rounding == "toward_zero":
        return low + ((acc < 0) & (rest > 0))
    return low


def _pad(signal, num_taps, padding):
    left, right = padding_lengths(num_taps, padding)
    mode = "wrap" if padding == "circular" else "constant"
    return np.pad(signal, [(0, 0), (left, right), (0, 0)], mode=mode)


def _check_shapes(signal, kernel, padding):
    _checks.check_one_of("padding", padding, PADDINGS, owner="fir")
    if (
        signal.ndim != 3
        or kernel.ndim != 3
        or signal.shape[2] != kernel.shape[1]
    ):
        raise ValueError(
            "fir expects a signal (batch, time, channels) and taps for as "
            "many channels (I and Q of each input where they are complex). "
            f"Received: signal of shape {signal.shape}, taps that make a "
            f"real kernel (num_taps, channels, outputs) of {kernel.shape}"
        )
    check_time(signal.shape[1], kernel.shape[0], padding, owner="fir")


def _check_sum(signal, kernel):
    """Raises `ValueError` unless every partial sum fits into 64 bits."""
    # Python's integers, since the bound itself may overflow.
    peak = max(-int(signal.min(initial=0)), int(signal.max(initial=0)))
    weights = max(np.abs(kernel.astype(object)).sum(axis=(0, 1)), default=0)
    if peak * weights > _LARGEST:
        raise ValueError(
            "fir expects sums of at most 64 bits; take fewer bits or taps. "
            f"Received: samples up to {peak} times taps that sum to {weights}"
        )
