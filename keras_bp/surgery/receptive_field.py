"""Which patch of the input a cell at the output of a layer sees."""

import dataclasses

import keras

from keras_bp.layers._backdrop_cells import checked_integers
from keras_bp.surgery import _graph
from keras_bp.surgery._backdrop_places import Places
from keras_bp.surgery._receptive_rules import OWNER, Patches, patches_after


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """Patches of an input, one for each cell, evenly spaced.

    Attributes:
        size: Tuple of integers, one per axis of positions: how many positions
            a patch spans.
        stride: Tuple of integers, from a patch to that of the next cell.
        offset: Tuple of integers, the first position of the patch of cell 0;
            below zero where it reaches into the padding.
    """

    size: tuple
    stride: tuple
    offset: tuple

    @property
    def overlap(self):
        """Per axis, the part of a patch that the next one has too."""
        return tuple(
            max(0, size - stride) / size
            for size, stride in zip(self.size, self.stride, strict=True)
        )

    def patch(self, cell):
        """The positions that a cell sees.

        Args:
            cell: Tuple of integers, one per axis.

        Returns:
            Tuple of pairs, the first position and one past the last. Either
            may lie outside of the input.
        """
        starts = [
            offset + index * stride
            for index, stride, offset in zip(
                cell, self.stride, self.offset, strict=True
            )
        ]
        return tuple(
            (start, start + size)
            for start, size in zip(starts, self.size, strict=True)
        )

    def block(self, block_size):
        """The field of blocks of cells, as `BackdropMask` can make them.

        Args:
            block_size: Positive integer, or a tuple with one per axis.

        Returns:
            `ReceptiveField`.
        """
        block_size = checked_integers("block_size", block_size, OWNER, 1)
        if isinstance(block_size, int):
            block_size = (block_size,) * len(self.size)
        triples = list(zip(self.size, self.stride, block_size, strict=True))
        return ReceptiveField(
            tuple(size + (b - 1) * stride for size, stride, b in triples),
            tuple(b * stride for _, stride, b in triples),
            self.offset,
        )


def receptive_field(model, layer):
    r"""Returns the patch of the input that each cell of a layer's output sees.

    And so the patch from which the weights below learn through that cell:
    where a spatial `keras_bp.layers.BackdropMask` after the layer drops the
    cell, its patch is left out, unless other cells see it too. With strides
    as large as the kernels they do not, and patches tile the input.

    Through a window of size :math:`k`, stride :math:`s`, dilation :math:`d`,
    with :math:`p` positions of padding before the first, the size, stride and
    offset of a patch become

    .. math:: R' = R + (k - 1) d S, \quad S' = s S, \quad O' = O - p S.

    Known are convolutions, also depthwise and separable ones, pooling, zero
    padding and cropping; activations, dropout, batch normalization (as in
    inference; in training its means are over all positions) and other layers
    of each entry; `Dense`, softmax and layer normalization over the channels;
    embeddings; and sums, products and concatenations of branches, of which
    the patch is the smallest that holds those of all. Of a dilated window it
    is the span, gaps included.

    Args:
        model: Sequential or functional `keras.Model`, built.
        layer: String, name of a layer or operation; one in a model that is a
            layer itself is `"block/conv"`.

    Returns:
        Frozen dataclass with the tuples `size`, `stride`, `offset`, and
        `overlap`, one entry per axis of positions, and with the methods
        `patch(cell)` and `block(block_size)`.

    Raises:
        TypeError: `model` is no Keras model, or a subclassed one.
        ValueError: The model is not built; the name is not in it, or several
            times; or something between the input and the layer is not known,
            or leaves no evenly spaced patches: `Flatten`, global pooling,
            attention and recurrent layers see everything, and upsampling and
            transposed convolutions space patches unevenly. So do branches of
            different strides, and the padding `"same"` with a stride where
            the input has no size.

    Example:

    >>> import keras
    >>> from keras_bp.surgery import receptive_field
    >>> model = keras.Sequential([
    ...     keras.Input((32, 32, 1)),
    ...     keras.layers.Conv2D(4, 3, padding="same", name="conv"),
    ...     keras.layers.MaxPooling2D(2, name="pool"),
    ... ])
    >>> field = receptive_field(model, "pool")
    >>> field.size, field.stride, field.offset, field.overlap
    ((4, 4), (2, 2), (-1, -1), (0.5, 0.5))
    >>> field.patch((0, 3))
    ((-1, 3), (5, 9))
    """
    _graph.check_readable(
        model, OWNER, "Read the strides and kernels in that code."
    )
    Places(model, OWNER).check(layer)
    inputs = [Patches(origin=tensor) for tensor in model.inputs]
    axes = _at(model, layer.split("/"), inputs).axes
    return ReceptiveField(
        tuple(axis.size for axis in axes),
        tuple(axis.stride for axis in axes),
        tuple(axis.start for axis in axes),
    )


def _at(model, parts, inputs):
    """What the layer sees to which a path leads."""
    graph = _graph.read(model)
    last = graph.step_of(parts[0])
    values = _graph.values_of(graph.inputs, inputs)
    steps = graph.steps_to(last)
    if len(parts) > 1:
        _follow(steps[:-1], values)
        given = [values[id(x)] for x in last.tensors]
        return _at(last.operation, parts[1:], given)
    _follow(steps, values)
    return values[id(_graph.tensors_in(last.outputs)[0])]


def _follow(steps, values):
    for step in steps:
        given = [values[id(x)] for x in step.tensors]
        outputs = keras.tree.flatten(step.outputs)
        if _graph.is_readable(step.operation):
            found = _through(step.operation, given)
        else:
            found = [patches_after(step, given)] * len(outputs)
        values.update(_graph.values_of(outputs, found))


def _through(model, inputs):
    """What the outputs of a model see."""
    graph = _graph.read(model)
    values = _graph.values_of(graph.inputs, inputs)
    _follow(graph.steps, values)
    return [values[id(x)] for x in keras.tree.flatten(graph.outputs)]
