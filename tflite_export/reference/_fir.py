"""The filter on integers."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops import padding_lengths
from keras_bp.ops.fir import PADDINGS
from tflite_export._signals import as_int64, check_is_format, check_time
from tflite_export.reference._rounding import (
    LARGEST,
    handle_overflow,
    round_shift,
)


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
    check_is_format("output", output, owner="fir")
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
    if peak * weights > LARGEST:
        raise ValueError(
            "fir expects sums of at most 64 bits; take fewer bits or taps. "
            f"Received: samples up to {peak} times taps that sum to {weights}"
        )
