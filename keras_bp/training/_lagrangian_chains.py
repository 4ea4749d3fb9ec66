"""Which layers of a model can lose neurons, and what reads them."""

import collections
import dataclasses

import keras
import numpy as np
from keras import layers, ops

from keras_bp.training.stochastic_graph import slots_in

CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_PRUNED = (layers.Dense, *CONVOLUTIONS)
# Layers that treat each channel by itself, and keep it where it is.
_SEPARATE = (
    layers.Activation,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
    layers.BatchNormalization,
    layers.Dropout,
    layers.ELU,
    layers.Flatten,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
    layers.Identity,
    layers.LeakyReLU,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.PReLU,
    layers.ReLU,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
)


@dataclasses.dataclass(frozen=True)
class Chain:
    """A layer that can lose neurons, up to the layer that reads them.

    Attributes:
        name: String, that of the unknown.
        place: Integer, the index of the unknown.
        source: Layer whose neurons, or channels, they are.
        between: List of pairs of a layer and how many entries of its last
            axis belong to each neuron.
        reader: Layer that reads them.
        slot: `Slot`, what the reader reads.
        units: Integer, how many neurons there are.
    """

    name: str
    place: int
    source: object
    between: list
    reader: object
    slot: object
    units: int

    @property
    def positions(self):
        """How many entries of the last axis that is read belong to each."""
        return self.slot.shape[-1] // self.units


class _Whole(Exception):
    """Why a layer is left whole."""


def ordered_steps(graph):
    """The steps of a `LagrangianGraph`, each after those that it reads."""
    parts = [graph.known, *(b.steps for b in graph.blocks), graph.tail.steps]
    found = {id(step): step for steps in parts for step in steps}
    return list(found.values())


def chains_of(graph):
    """Finds what can be pruned.

    Args:
        graph: `LagrangianGraph`.

    Returns:
        List of `Chain`, and a dictionary from the name of any other unknown
        to the reason, a string.
    """
    found, whole = [], {}
    steps = ordered_steps(graph)
    times = collections.Counter(id(step.operation) for step in steps)
    for block in graph.blocks:
        try:
            found.append(_chain(graph, block, times))
        except _Whole as reason:
            for place in block.unknowns:
                whole[graph.unknowns[place].name] = str(reason)
    return found, whole


def _chain(graph, block, times):
    if block.recurrent is not None:
        raise _Whole("it is recurrent")
    (place,), (slot,) = block.unknowns, block.outputs
    between, source = _upward(block, slot)
    reader = _reader(graph, place, slot)
    for step in (source, *between, reader):
        if times[id(step.operation)] > 1:
            raise _Whole(f"{step.operation.name!r} is applied several times")
    units = source.outputs.shape[-1]
    _check_source(source.operation)
    for step in between:
        _check_between(step, step.outputs.shape[-1])
    _check_reader(reader, slot)
    return Chain(
        graph.unknowns[place].name,
        place,
        source.operation,
        [(x.operation, x.outputs.shape[-1] // units) for x in between],
        reader.operation,
        slot,
        units,
    )


def _upward(block, slot):
    """Steps after the layer with weights that makes a slot, and its step."""
    makers = {s.index: x for x in block.steps for s in slots_in(x.outputs)}
    between = []
    while True:
        step = makers[slot.index]
        if type(step.operation) in _PRUNED:
            return between[::-1], step
        read = slots_in([step.args, step.kwargs])
        if type(step.operation) not in _SEPARATE or len(read) != 1:
            raise _Whole(f"{_describe(step)} does not keep neurons apart")
        between.append(step)
        (slot,) = read


def _reader(graph, place, slot):
    blocks = [x for x in (*graph.blocks, graph.tail) if place in x.reads]
    readers = {
        id(step): step
        for block in blocks
        for step in block.steps
        if slot in slots_in([step.args, step.kwargs])
    }
    if slot in slots_in(graph.outputs):
        raise _Whole("it is an output of the model")
    if len(readers) != 1:
        raise _Whole("several operations read it")
    return next(iter(readers.values()))


def _check_source(layer):
    _check_plain(layer)
    if not _acts_alone(layer.activation):
        raise _Whole("its activation does not treat each neuron by itself")


def _check_plain(layer):
    """Refuses what a kernel and a bias do not describe."""
    if len(layer.weights) != 1 + layer.use_bias:
        raise _Whole(f"{layer.name!r} has weights beside kernel and bias")
    if isinstance(layer, CONVOLUTIONS) and layer.groups != 1:
        raise _Whole(f"{layer.name!r} has groups of channels")
    _check_format(layer)


def _check_format(layer):
    if getattr(layer, "data_format", None) == "channels_first":
        raise _Whole(f"{layer.name!r} has its channels first")


def _check_between(step, size):
    layer = step.operation
    _check_format(layer)
    if isinstance(layer, layers.Activation) and not _acts_alone(
        layer.activation
    ):
        raise _Whole(f"{_describe(step)} does not keep neurons apart")
    if any(weight.shape[-1] != size for weight in layer.weights):
        raise _Whole(f"{_describe(step)} has no weights for each neuron")
    rank = len(step.outputs.shape)
    if isinstance(layer, layers.BatchNormalization) and layer.axis not in (
        -1,
        rank - 1,
    ):
        raise _Whole(f"{_describe(step)} has another axis than the last one")


def _check_reader(step, slot):
    layer = step.operation
    if type(layer) not in _PRUNED or step.args != (slot,):
        raise _Whole(f"{_describe(step)} reads it, no Dense or Conv layer")
    _check_plain(layer)
    padded = (
        isinstance(layer, CONVOLUTIONS)
        and layer.padding != "valid"
        and set(layer.kernel_size) != {1}
    )
    if padded:
        # A bias is the same everywhere; what is missing at borders is not.
        raise _Whole(f"{_describe(step)} reads it with zeros around it")


def _acts_alone(function):
    """Whether a function of some neurons is that of all, as far as one sees."""
    x = np.sin(np.arange(1.0, 21.0)).reshape(2, 10) * [[0.1], [3.0]]
    keep = [0, 1, 3, 4, 7, 9]
    try:
        whole, part = (_values(function, a) for a in (x, x[:, keep]))
    except Exception:
        # It is for a certain number of neurons.
        return False
    return whole.shape == x.shape and np.allclose(
        whole[:, keep], part, 1e-5, 1e-6
    )


def _values(function, x):
    # Outside the noise and statistics of any layer that is called here.
    with keras.StatelessScope():
        return ops.convert_to_numpy(
            function(ops.convert_to_tensor(x, "float32"))
        )


def _describe(step):
    layer = step.operation
    return f"{step.name!r} ({type(layer).__module__}.{type(layer).__name__})"
