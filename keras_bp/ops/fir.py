"""Finite impulse response filters as convolutions, not correlations."""

import math

from keras import ops

from keras_bp import _checks

LARGEST_COUNT = 2**31 - 1
PADDINGS = ("valid", "same", "causal", "circular")

# Where one product of matrices is faster than a convolution.
_FEW_CHANNELS = 16
_SHORTEST_FRAME = 8


def complex_taps_to_real(taps):
    r"""Turns complex taps into the real kernel that acts on I/Q channels.

    Each pair of an input and an output channel becomes the 2x2 block
    :math:`[[a, b], [-b, a]]` of the tap :math:`a + jb`, rows for the I and Q
    of the input, columns for those of the output.

    Args:
        taps: Tensor of shape `(num_taps, inputs, filters, 2)`.

    Returns:
        Tensor of shape `(num_taps, 2 * inputs, 2 * filters)`.
    """
    owner = "complex_taps_to_real"
    taps = _checks.as_tensor("taps", taps, owner=owner, rank=4)
    if taps.shape[-1] != 2:
        raise ValueError(
            f"{owner} expects `taps` of shape (num_taps, inputs, filters, 2). "
            f"Received: shape={tuple(taps.shape)}"
        )
    real, imag = taps[..., 0], taps[..., 1]
    from_i = ops.stack([real, imag], axis=-1)
    from_q = ops.stack([-imag, real], axis=-1)
    kernel = ops.stack([from_i, from_q], axis=2)
    num_taps, inputs, _, filters, _ = kernel.shape
    return ops.reshape(kernel, (num_taps, 2 * inputs, 2 * filters))


def symmetric_taps(half):
    """Mirrors the first half of the taps, the center included once.

    Args:
        half: Tensor whose axis 0 holds taps 0 to the center.

    Returns:
        Tensor with `2 * half.shape[0] - 1` taps on axis 0.
    """
    half = _checks.as_tensor("half", half, owner="symmetric_taps")
    _checks.check_rank(
        half.shape, 1, owner="symmetric_taps", expects="(taps, ...)"
    )
    return ops.concatenate([half, ops.flip(half[:-1], axis=0)], axis=0)


def pad_signal(x, num_taps, padding):
    """Pads the time axis, so that a valid convolution does the rest.

    Args:
        x: Tensor of shape `(batch, time, channels)`.
        num_taps: Integer, length of the filter.
        padding: String. `"valid"`: none. `"same"`: zeros on both sides,
            centered as in `numpy.convolve(mode="same")`. `"causal"`: zeros
            before the first sample. `"circular"`: as `"same"`, with the
            signal continued periodically, which needs half of a filter.

    Returns:
        Tensor of shape `(batch, time + num_taps - 1, channels)`, or `x`
        itself for `"valid"`.

    Raises:
        ValueError: `padding` is unknown, or `x` is too short for
            `"circular"`.
    """
    x = _checks.as_tensor("x", x, owner="pad_signal", rank=3)
    left, right = padding_lengths(num_taps, padding)
    if left + right == 0:
        return x
    if padding == "circular":
        return _continued(x, left, right)
    return ops.pad(x, [[0, 0], [left, right], [0, 0]])


def _continued(x, left, right):
    time = x.shape[1]
    _check_time(time, left, "pad_signal")
    ends = x
    if time is None:
        # A signal may be shorter than what is added to it.
        time = ops.maximum(ops.shape(x)[1], 1)
        ends = ops.tile(x, [1, (left + time - 1) // time, 1])
    last = ops.shape(ends)[1]
    before = ends[:, last - left :] if left else x[:, :0]
    return ops.concatenate([before, x, ends[:, :right]], axis=1)


def _check_time(time, least, owner):
    if time is not None and time < least:
        raise ValueError(
            f"{owner} expects a signal of at least {least} samples, for its "
            f"filter and its padding. Received: time={time}"
        )


def padding_lengths(num_taps, padding):
    """Number of samples that `pad_signal` adds before and after.

    Args:
        num_taps: Integer, length of the filter.
        padding: String, see `pad_signal`.

    Returns:
        Two integers.
    """
    owner = "padding_lengths"
    _checks.check_integer("num_taps", num_taps, minimum=1, owner=owner)
    _checks.check_one_of("padding", padding, PADDINGS, owner=owner)
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return num_taps - 1, 0
    return num_taps // 2, (num_taps - 1) // 2


def fir(x, taps, padding="valid", strides=1):
    r"""Filters a signal, :math:`y_t = \sum_k h_k x_{t-k}`.

    A convolution, as `scipy.signal.lfilter` and `numpy.convolve` have it;
    `keras.ops.conv` would be a correlation, with the taps reversed.

    Args:
        x: Float tensor of shape `(batch, time, channels)`.
        taps: Float tensor of shape `(num_taps, channels, filters)`.
        padding: String, see `pad_signal`.
        strides: Positive integer; every `strides`-th output is kept.

    Returns:
        Tensor of shape `(batch, new_time, filters)`.

    Raises:
        ValueError: The channels of `x` and `taps` differ, `padding` is
            unknown, or `x` is too short: `"valid"` needs a whole filter,
            `"circular"` half of one. Where the time is not known before, a
            signal that is too short for `"valid"` has no outputs.
    """
    x = _checks.as_tensor("x", x, owner="fir", rank=3)
    taps = _checks.as_tensor("taps", taps, owner="fir", rank=3)
    # What TensorFlow takes; a larger one ends the process.
    _checks.check_integer(
        "strides", strides, minimum=1, maximum=LARGEST_COUNT, owner="fir"
    )
    num_taps, channels, filters = taps.shape
    if x.shape[-1] not in (None, channels):
        raise ValueError(
            f"fir expects a signal of {channels} channels, as its taps have. "
            f"Received: shape={tuple(x.shape)}"
        )
    x = pad_signal(x, num_taps, padding)
    _check_time(x.shape[1], num_taps, "fir")
    # Convolutions of a few channels leave most of a core idle.
    if channels * filters <= _FEW_CHANNELS and strides < num_taps:
        return _framed(x, taps, strides)
    return ops.conv(
        x,
        ops.flip(taps, axis=0),
        strides=strides,
        padding="valid",
        data_format="channels_last",
    )


def _framed(x, taps, strides):
    """A valid convolution, as one product of overlapping frames and a matrix.

    A frame holds `advance` samples, and those that its last outputs need
    besides; the matrix is the Toeplitz matrix of the taps.
    """
    num_taps, channels, filters = taps.shape
    least = max(_SHORTEST_FRAME, num_taps - strides)
    advance = strides * 2 ** math.ceil(math.log2(least / strides))
    overlap = num_taps - strides
    time = ops.shape(x)[1]
    outputs = (time - num_taps) // strides + 1
    if not isinstance(time, int):
        outputs = ops.maximum(outputs, 0)
    frames = -(-(outputs * strides) // advance)
    # A last sample that no output needs is left out.
    needed = frames * advance + overlap
    x = ops.pad(x, [[0, 0], [0, advance], [0, 0]])[:, :needed]
    first = ops.reshape(x[:, : frames * advance], (-1, advance * channels))
    # What follows a frame is the end of the frame `overlap` later.
    after = ops.reshape(x[:, overlap:], (-1, advance * channels))
    after = after[:, (advance - overlap) * channels :]
    # Not `ops.matmul`: on PyTorch it narrows float64 (Keras 3.15).
    joined = ops.concatenate([first, after], axis=1)
    y = joined @ _toeplitz(taps, advance, strides)
    batch = ops.shape(x)[0]
    batch = -1 if batch is None else batch
    y = ops.reshape(y, (batch, frames * (advance // strides), filters))
    return y[:, :outputs]


def _toeplitz(taps, advance, strides):
    """Matrix whose column t holds the reversed taps from row t * strides on.

    Repeated rows of one period, read in rows that are shorter by `strides`:
    each one starts that much later in the period.
    """
    num_taps, channels, filters = taps.shape
    period, columns = num_taps + advance, advance // strides
    row = ops.pad(ops.flip(taps, axis=0), [[0, advance], [0, 0], [0, 0]])
    rows = ops.reshape(
        ops.tile(row, (columns, 1, 1)), (columns * period, channels, filters)
    )
    rows = ops.reshape(
        rows[: columns * (period - strides)],
        (columns, period - strides, channels, filters),
    )
    return ops.reshape(
        ops.transpose(rows, (1, 2, 0, 3)),
        ((period - strides) * channels, columns * filters),
    )
