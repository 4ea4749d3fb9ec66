"""Some of the rows that weights meet, which stand for all."""

import math

import keras
from keras import ops

# Positions at which inputs are looked at.
_POSITIONS = 4
# Rows of a recurrent layer, whose steps share their weights, at most.
_MAX_ROWS = 512


def rows_of_example():
    """Integer, how many patches are taken of an example."""
    return _POSITIONS


def some_patches(layer, x, seed, compiled):
    """Patches at random positions, which all examples share.

    Features are in the order of the rows of the kernel.

    Args:
        layer: Convolution.
        x: Tensor, its input.
        seed: `keras.random.SeedGenerator`.
        compiled: Boolean, whether XLA compiles this.

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
    seed, count = ops.unstack(ops.cast(seed.next(), "int64"), 2)
    number = count + seed * 2654435761
    take = _product if compiled else _slice
    found = [
        take(layer, x, _begin(layer, counts, number * _POSITIONS + index))
        for index in range(_POSITIONS)
    ]
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


def _begin(layer, counts, number):
    """The place, along each axis, that a number stands for."""
    found = []
    for count, stride in zip(counts, layer.strides, strict=True):
        # A hash: XLA would draw a random number for each element of a patch.
        number = number * 6364136223846793005 + 1442695040888963407
        place = ops.abs(number // 2**33) % ops.cast(count, "int64")
        found.append(ops.cast(place, "int32") * stride)
    return found


def _slice(layer, x, begin):
    """The patch of all examples at a place."""
    spans = [
        dilation * (size - 1) + 1
        for size, dilation in zip(
            layer.kernel_size, layer.dilation_rate, strict=True
        )
    ]
    size = (ops.shape(x)[0], *spans, x.shape[-1])
    found = ops.slice(x, [0, *begin, 0], size)
    for axis, dilation in enumerate(layer.dilation_rate):
        if dilation > 1:
            span = range(0, spans[axis], dilation)
            found = ops.take(found, list(span), axis=axis + 1)
    return _flat(layer, found)


def _product(layer, x, begin):
    """The same by products with zeros and ones.

    After a slice that begins anywhere, XLA would compute the layers before
    anew for each of its elements.
    """
    for axis, place in enumerate(begin):
        taken = place + layer.dilation_rate[axis] * ops.arange(
            layer.kernel_size[axis], dtype="int32"
        )
        places = ops.arange(ops.shape(x)[axis + 1], dtype="int32")
        chosen = ops.equal(ops.expand_dims(places, 1), taken)
        rule = ("bhwc,hi->biwc", "bhwc,wi->bhic")[axis]
        if len(begin) == 1:
            rule = "bhc,hi->bic"
        x = ops.einsum(rule, x, ops.cast(chosen, x.dtype))
    return _flat(layer, x)


def _flat(layer, x):
    features = math.prod(layer.kernel_size) * x.shape[-1]
    return ops.reshape(x, (-1, features))


def is_sampled(rows):
    count = rows.shape[0]
    return count is None or count > _MAX_ROWS


def sampled_rows(rows, seed):
    """A sample of rows, scaled so that its Gram matrix has the right mean."""
    if not is_sampled(rows):
        return rows
    total = ops.shape(rows)[0]
    index = keras.random.randint((_MAX_ROWS,), 0, 2**30, seed=seed)
    share = ops.cast(total, "float32") / _MAX_ROWS
    return ops.take(rows, index % total, axis=0) * ops.sqrt(share)
