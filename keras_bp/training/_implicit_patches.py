"""What the kernel of a convolution meets."""

import math

import keras
from keras import ops

# Positions at which inputs are looked at.
_POSITIONS = 4


def some_patches(layer, x, seed):
    """Patches at random positions, which all examples share.

    Features are in the order of the rows of the kernel.

    Returns:
        Tensor `(batch, positions, features)`, and how many positions each of
        them stands for.
    """
    if layer.data_format == "channels_first":
        x = ops.moveaxis(x, 1, -1)
    x = _padded(layer, x)
    spans = [
        dilation * (size - 1) + 1
        for size, dilation in zip(
            layer.kernel_size, layer.dilation_rate, strict=True
        )
    ]
    counts = [
        (ops.shape(x)[axis + 1] - span) // stride + 1
        for axis, (span, stride) in enumerate(
            zip(spans, layer.strides, strict=True)
        )
    ]
    found = [_patch(layer, x, spans, counts, seed) for _ in range(_POSITIONS)]
    total = 1.0
    for count in counts:
        total = total * ops.cast(count, x.dtype)
    return ops.stack(found, axis=1), total / _POSITIONS


def _padded(layer, x):
    """The input with the zeros that the layer would add."""
    pads = [(0, 0)]
    for axis, size in enumerate(layer.kernel_size):
        more = layer.dilation_rate[axis] * (size - 1)
        if layer.padding == "causal":
            pads.append((more, 0))
        elif layer.padding == "same":
            stride, length = layer.strides[axis], x.shape[axis + 1]
            rest = (length or stride) % stride or stride
            more = max(more + 1 - rest, 0)
            pads.append((more // 2, more - more // 2))
        else:
            pads.append((0, 0))
    return ops.pad(x, [*pads, (0, 0)])


def _patch(layer, x, spans, counts, seed):
    begin = [0]
    for count, stride in zip(counts, layer.strides, strict=True):
        place = keras.random.randint((), 0, 2**30, seed=seed) % count
        begin.append(place * stride)
    size = (ops.shape(x)[0], *spans, x.shape[-1])
    found = ops.slice(x, [*begin, 0], size)
    for axis, dilation in enumerate(layer.dilation_rate):
        if dilation > 1:
            span = range(0, spans[axis], dilation)
            found = ops.take(found, list(span), axis=axis + 1)
    features = math.prod(layer.kernel_size) * x.shape[-1]
    return ops.reshape(found, (-1, features))
