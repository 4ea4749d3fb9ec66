"""Filters of the exact profile: frames of a signal, weighed and summed."""

import numpy as np

from tflite_export.litert._numbers import Whole

# Axes of a signal.
CHANNELS, TIME = 0, 3


def pad(net, x, left, right, circular):
    """Adds samples before and after a signal, zeros or the other end.

    Args:
        net: `Arithmetic`.
        x: `Whole` of shape `(channels, signals, batch, time)`.
        left: Integer, samples before.
        right: Integer, samples after.
        circular: Boolean, whether they are those of the other end.

    Returns:
        `Whole`.
    """
    shape = net.shape(x)

    def end(length, begin):
        if length == 0:
            return []
        if circular:
            return [net.slice(x, TIME, begin, length)]
        zeros = np.zeros((*shape[:TIME], length), "int64")
        return [Whole(net.array(zeros), 0, 0)]

    return net.join([*end(left, shape[TIME] - left), x, *end(right, 0)], TIME)


def add_sums(net, x, kernel, strides=1):
    """The sums of a filter, where the whole filter meets the signal.

    Args:
        net: `Arithmetic`.
        x: `Whole` of shape `(channels, signals, batch, time)`.
        kernel: Int64 array `(num_taps, channels, outputs)`, h_0 first.
        strides: Positive integer. Defaults to `1`.

    Returns:
        `Whole` or `Wide` of shape `(outputs, signals, batch, new_time)`.
    """
    num_taps, outputs = kernel.shape[0], kernel.shape[2]
    time = net.shape(x)[TIME]
    count = (time - num_taps) // strides + 1
    frames = [x]
    if count < time:
        frames = [
            net.slice(x, TIME, first, count, strides)
            for first in range(num_taps)
        ]
    # The first frame meets the last tap.
    kernel = kernel[::-1]
    half = num_taps // 2
    if half and np.array_equal(kernel, kernel[::-1]):
        early = net.join(frames[:half], CHANNELS)
        late = net.join(frames[: -half - 1 : -1], CHANNELS)
        pairs = net.add(early, late)
        if isinstance(pairs, Whole):
            frames = [pairs, *frames[half:-half]]
            kernel = kernel[: num_taps - half]
    return net.weigh(net.join(frames, CHANNELS), kernel.reshape(-1, outputs))
