"""How each kind of layer passes on the patches that its output sees."""

import dataclasses
import functools
import math

import keras
from keras import layers

from keras_bp.layers.backdrop_mask import BackdropMask
from keras_bp.layers.binary_neuron import BinaryNeuron
from keras_bp.layers.guided_relu import GuidedReLU
from keras_bp.surgery._swapper import SwappedLayer

OWNER = "receptive_field"


@dataclasses.dataclass(frozen=True)
class Axis:
    """Patches along one axis: cell `i` sees `start + i * stride`, and on.

    Attributes:
        size: Integer, positions of the input in a patch.
        stride: Integer, from one patch to the next.
        start: Integer, the first position of the patch of cell 0.
    """

    size: int = 1
    stride: int = 1
    start: int = 0

    def window(self, size, stride, dilation, before):
        """After a window with `before` positions of padding at its start."""
        return Axis(
            self.size + (size - 1) * dilation * self.stride,
            self.stride * stride,
            self.start - before * self.stride,
        )

    def union(self, other):
        """The smallest patches that hold those of both, or None."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return Axis(end - start, self.stride, start)


@dataclasses.dataclass(frozen=True)
class Patches:
    """What is known of a tensor.

    Attributes:
        origin: The input of the model of which it sees patches.
        axes: Tuple of `Axis`, or None for the input itself.
        data_format: String, or None before the first layer that has one.
    """

    origin: object
    axes: tuple | None = None
    data_format: str | None = None


# Of the channels, or of each entry alone. In inference; in training, batch
# normalization has means of all positions.
_ENTRIES = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU),
    *(layers.ELU, layers.Dropout, layers.GaussianDropout, layers.AlphaDropout),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D),
    *(layers.SpatialDropout3D, layers.GaussianNoise, layers.Identity),
    *(layers.ActivityRegularization, layers.Rescaling, layers.Normalization),
    *(layers.BatchNormalization, layers.Embedding, layers.Masking),
    *(BackdropMask, BinaryNeuron, GuidedReLU),
)
_CHANNELS = (
    *(layers.Dense, layers.Softmax, layers.LayerNormalization),
    layers.UnitNormalization,
)
_CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
)
_POOLINGS = (
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D),
    layers.AveragePooling3D,
)
_PADDINGS = (
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
)
_MERGES = (
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average),
    *(layers.Maximum, layers.Minimum),
)

# Operations of a graph, whose classes Keras does not export.
_OPERATIONS = {
    *("Relu", "Relu6", "LeakyRelu", "ReLU", "Elu", "Selu", "Gelu", "Silu"),
    *("Sigmoid", "HardSigmoid", "Softplus", "Tanh", "Exp", "Log", "Log1p"),
    *("Absolute", "Negative", "Square", "Sqrt", "Clip", "Cast", "Sign"),
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Power"),
    *("Maximum", "Minimum"),
}


def patches_after(step, given):
    """What the output of a step sees.

    Args:
        step: `_graph.Step`.
        given: List of `Patches`, of its tensors.

    Returns:
        `Patches`.

    Raises:
        ValueError: The operation is none of those known here, or in a way
            that leaves no evenly spaced patches.
    """
    operation = step.operation
    if isinstance(operation, SwappedLayer):
        operation = operation.layer
    rank = len(_output(step).shape) - 2
    if rank < 1:
        raise unknown(step, "Its output has no positions.")
    merged = _union(step, [_with_axes(each, rank) for each in given])
    if _is_a(operation, _CONVOLUTIONS):
        dilation = operation.dilation_rate
        return _windows(
            step, operation, merged, operation.kernel_size, dilation
        )
    if _is_a(operation, _POOLINGS):
        return _windows(step, operation, merged, operation.pool_size, 1)
    if _is_a(operation, _PADDINGS):
        return _padded(operation, merged)
    if not _keeps_positions(step, operation, merged):
        raise unknown(step)
    return merged


def unknown(step, why=""):
    """The error for an operation without patches."""
    operation = step.operation
    kind = f"{type(operation).__module__}.{type(operation).__name__}"
    return ValueError(
        f"{OWNER} expects convolutions, pooling, padding, and layers of each "
        "position alone between the input and the layer. Received: "
        f"{operation.name!r} of type {kind}, with an output of shape "
        f"{tuple(_output(step).shape)}. {why or _UNKNOWN}"
    )


_UNKNOWN = (
    "What is after `Flatten`, global pooling, recurrent layers or attention "
    "sees all of the input, and patches of what is after upsampling are not "
    "evenly spaced."
)


def _output(step):
    return keras.tree.flatten(step.outputs)[0]


def _with_axes(patches, rank):
    axes = (Axis(),) * rank if patches.axes is None else patches.axes
    return dataclasses.replace(patches, axes=axes)


def _is_a(operation, known):
    # A subclass with a `call` of its own may compute anything.
    return any(
        isinstance(operation, each) and type(operation).call is each.call
        for each in known
    )


def _union(step, given):
    formats = {each.data_format for each in given} - {None}
    if len({id(each.origin) for each in given}) != 1 or len(formats) > 1:
        raise unknown(step, "It joins two inputs, or two data formats.")
    if len({len(each.axes) for each in given}) != 1:
        raise unknown(step, "What it joins has not the same axes.")
    columns = zip(*(each.axes for each in given), strict=True)
    axes = tuple(functools.reduce(_join, column) for column in columns)
    if None in axes:
        raise unknown(step, "It joins branches with other strides.")
    return Patches(given[0].origin, axes, *formats)


def _join(one, other):
    return None if one is None else one.union(other)


def _windows(step, layer, patches, sizes, dilations):
    if patches.data_format not in (None, layer.data_format):
        raise unknown(step, "Its data format is another than that before it.")
    rank = len(patches.axes)
    (tensor,) = step.tensors
    first = 2 if layer.data_format == "channels_first" else 1
    extents = tensor.shape[first : first + rank]
    sizes, strides, dilations = (
        (value,) * rank if isinstance(value, int) else tuple(value)
        for value in (sizes, layer.strides, dilations)
    )
    befores = [
        _before(step, layer.padding, 1 + (size - 1) * dilation, stride, extent)
        for size, stride, dilation, extent in zip(
            sizes, strides, dilations, extents, strict=True
        )
    ]
    moves = zip(sizes, strides, dilations, befores, strict=True)
    axes = tuple(
        axis.window(*move)
        for axis, move in zip(patches.axes, moves, strict=True)
    )
    return Patches(patches.origin, axes, layer.data_format)


def _before(step, padding, size, stride, extent):
    """Positions of padding before the first, by the rule of Keras."""
    if padding == "valid":
        return 0
    if padding == "causal":
        return size - 1
    if stride == 1:
        return (size - 1) // 2
    if extent is None:
        raise unknown(
            step,
            "With the padding 'same' and a stride, where its patches begin "
            "depends on the size of the input: give the model one.",
        )
    whole = (math.ceil(extent / stride) - 1) * stride + size
    return max(0, whole - extent) // 2


def _padded(layer, patches):
    crops = hasattr(layer, "cropping")
    amounts = layer.cropping if crops else layer.padding
    if isinstance(amounts[0], int):
        amounts = (amounts,)
    sign = -1 if crops else 1
    axes = tuple(
        axis.window(1, 1, 1, sign * before)
        for axis, (before, _) in zip(patches.axes, amounts, strict=True)
    )
    return dataclasses.replace(patches, axes=axes)


def _keeps_positions(step, operation, patches):
    rank = len(_output(step).shape)
    data_format = patches.data_format or keras.config.image_data_format()
    channel = 1 if data_format == "channels_first" else rank - 1
    positions = [axis for axis in range(1, rank) if axis != channel]
    if not _is_a(operation, (layers.Embedding,)):
        shapes = [x.shape for x in (*step.tensors, _output(step))]
        seen = {tuple(shape[axis] for axis in positions) for shape in shapes}
        if len(seen) > 1:
            return False
    if _is_a(operation, _CHANNELS):
        return _axes_of(operation, rank) == {channel}
    kind = type(operation)
    joins = isinstance(operation, layers.Concatenate)
    if joins or kind.__name__ == "Concatenate":
        return operation.axis % rank == channel
    if _is_a(operation, (*_ENTRIES, *_MERGES)):
        return True
    return kind.__name__ in _OPERATIONS and kind.__module__.startswith("keras.")


def _axes_of(layer, rank):
    axis = getattr(layer, "axis", -1)
    axes = (axis,) if isinstance(axis, int) else axis
    return {each % rank for each in axes}
