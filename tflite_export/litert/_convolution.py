"""CONV_2D, and what leads a signal into it, of the profiles that have it."""

import dataclasses
from typing import Any

import numpy as np

from keras_bp.ops import padding_lengths


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A filter with the scales of its tensors, see `Graph.tensor`.

    Args:
        kernel: Int8 array `(num_taps, channels, outputs)`, h_0 first.
        bias: Integer array `(outputs,)`, int64 for a signal of int16, int32
            for one of int8.
        padding: String, see `keras_bp.ops.pad_signal`.
        strides: Positive integer.
        scales: Dictionary, of `"signal"`, `"taps"`, `"bias"` and `"output"`.
        zero: Integer, what stands for zero in the signal. Defaults to `0`.
    """

    kernel: np.ndarray
    bias: np.ndarray
    padding: str
    strides: int
    scales: dict[str, Any]
    zero: int = 0


def pad(graph, signal, filter, name):
    """Adds the samples before and after, zeros or the other end.

    Args:
        graph: `Graph`.
        signal: Integer, a tensor `(batch, time, channels)`.
        filter: `Convolution`.
        name: Function from the word for a tensor to its name.

    Returns:
        Integer, a tensor.
    """
    batch, time, channels = graph.shape(signal)
    left, right = padding_lengths(len(filter.kernel), filter.padding)
    scale, parts = filter.scales["signal"], []
    for side, length, begin in (
        ("before", left, time - left),
        ("after", right, 0),
    ):
        if length == 0:
            continue
        side, shape = name(side), (batch, length, channels)
        if filter.padding == "circular":
            part = graph.tensor(side, shape, scale)
            start = graph.constant(f"{side}_begin", np.int32([0, begin, 0]))
            size = graph.constant(f"{side}_size", np.int32(shape))
            graph.add("SLICE", [signal, start, size], part)
        else:
            zeros = np.full(shape, filter.zero, graph.dtype)
            part = graph.constant(side, zeros, scale)
        parts.append(part)
    if not parts:
        return signal
    parts.insert(int(left > 0), signal)
    shape = (batch, left + time + right, channels)
    padded = graph.tensor(name("padded"), shape, scale)
    graph.add("CONCATENATION", parts, padded, axis=1)
    return padded


def convolve(graph, signal, filter, name):
    """Adds the convolution, its time on the axis of height.

    Signals that one filter takes one by one lie on the axis of width.

    Args:
        graph: `Graph`.
        signal: Integer, a tensor `(batch, time, channels)`, padded.
        filter: `Convolution`.
        name: Function from the word for a tensor to its name.

    Returns:
        Integer, a tensor `(batch, new_time, signals, outputs)`.
    """
    scales, kernel = filter.scales, filter.kernel
    batch, time, channels = graph.shape(signal)
    num_taps, each, outputs = kernel.shape
    shape = (batch, time, channels // each, each)
    image = reshape(graph, signal, scales["signal"], name("image"), shape)
    # CONV_2D correlates, and has the outputs first.
    weights = kernel[::-1].transpose(2, 0, 1)[:, :, None, :]
    new_time = (time - num_taps) // filter.strides + 1
    shape = (batch, new_time, channels // each, outputs)
    y = graph.tensor(name("rounded"), shape, scales["output"])
    taps = graph.constant(name("taps"), weights, scales["taps"])
    bias = graph.constant(name("bias"), filter.bias, scales["bias"])
    graph.add(
        "CONV_2D",
        [image, taps, bias],
        y,
        padding=graph.enum("Padding", "VALID"),
        strideH=filter.strides,
        strideW=1,
    )
    return y


def flatten(graph, signal, scale, name):
    """Puts the outputs for all signals on one axis again."""
    batch, time, signals, outputs = graph.shape(signal)
    shape = (batch, time, signals * outputs)
    return reshape(graph, signal, scale, name, shape)


def reshape(graph, tensor, scale, name, shape):
    """Adds a change of shape."""
    reshaped = graph.tensor(name, shape, scale)
    new_shape = graph.constant(f"{name}_shape", np.int32(shape))
    graph.add("RESHAPE", [tensor, new_shape], reshaped, newShape=shape)
    return reshaped
