"""A model as constraints: which tensors are unknowns, and what ties them."""

import dataclasses

import keras

from keras_bp.training._lagrangian_checks import (
    check_found,
    check_known,
    check_noise,
    check_recurrent,
    check_step,
    check_unknown,
)
from keras_bp.training._lagrangian_recurrent import RECURRENT, Recurrent
from keras_bp.training._readable import check_readable
from keras_bp.training.stochastic_graph import StochasticGraph, slots_in

# Layers with weights that act on each neuron by itself, or nearly so: they
# belong to the constraint of the layer before.
_FOLDED = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.PReLU,
)


@dataclasses.dataclass(frozen=True)
class Unknown:
    """Neurons of a layer: values that are free, but for a constraint.

    Attributes:
        name: String.
        shape: Tuple, without the axis of examples.
    """

    name: str
    shape: tuple


@dataclasses.dataclass(frozen=True)
class Block:
    """A function of unknowns that constrains others, or makes outputs.

    Attributes:
        name: String, the layer whose neurons it constrains.
        steps: List of `Step`, in their order.
        outputs: List of slots that it computes.
        unknowns: Tuple of indices of what it constrains; none for outputs.
        reads: Tuple of indices of what it reads.
        recurrent: `Recurrent`, or None.
    """

    name: str
    steps: list
    outputs: list
    unknowns: tuple
    reads: tuple
    recurrent: object = None

    def weights(self):
        """Its trainable weights, each once."""
        found = {}
        for step in self.steps:
            if isinstance(step.operation, keras.layers.Layer):
                for weight in step.operation.trainable_weights:
                    found[id(weight)] = weight
        return list(found.values())

    def is_pure(self):
        """Whether its layers are known to keep nothing of a call."""
        return all(
            type(layer).__module__.startswith("keras.")
            and not layer.non_trainable_variables
            and not layer.activity_regularizer
            for layer in (step.operation for step in self.steps)
            if isinstance(layer, keras.layers.Layer)
        )


class LagrangianGraph:
    """The unknowns of a model, and the blocks between them.

    A tensor is an unknown where a layer with weights reads it, or several
    operations, and another such layer or a sum of branches lies before it. So
    activations, normalization and pooling are part of the constraint of the
    layer before them.

    Args:
        model: Sequential or functional model.
        owner: String, who speaks in errors.

    Attributes:
        inputs: List of `Slot`, one for each input.
        outputs: Structure of `Slot`, as the model returns it.
        unknowns: List of `Unknown`.
        blocks: List of `Block` that constrain them, each after those that it
            reads.
        tail: `Block`, the outputs of the model.
        steps: List of `Step`, all of them, in their order.
        known: List of `Step`, what depends on the inputs alone.
        views: Dictionary from the index of a slot to a pair, the indices of
            the unknowns that it is read off, and a function of their values.

    Raises:
        ValueError: A layer cannot be a constraint.
    """

    def __init__(self, model, owner="LagrangianModel"):
        self.owner = owner
        check_readable(model, owner)
        graph = StochasticGraph(model)
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self.input_tensors, self.steps = graph.input_tensors, graph.steps
        self.unknowns, self.blocks, self.views = [], [], {}
        self.known = []
        self._producer = {}
        self._fixed = {slot.index for slot in self.inputs}
        # Slots behind a layer with weights, or a sum, and no unknown since.
        self._computed = set()
        self._consumers = self._count_consumers()
        for step in self.steps:
            self._take(step)
        self.tail = self._block("outputs", slots_in(self.outputs), ())
        check_found(self.unknowns, model, owner)

    def check_known(self):
        """Raises `ValueError` if what was frozen is to be trained now."""
        check_known(self.known, self.owner)

    def check_persistent(self):
        """Raises `ValueError` unless an example always meets the same model."""
        check_noise(self.steps, self.owner)

    def shares_noise(self, block):
        """Whether a layer with noise is in a block and elsewhere too."""
        noisy = [
            id(step.operation)
            for step in block.steps
            if isinstance(step.operation, keras.layers.Layer)
            and len(step.operation.variables) > len(step.operation.weights)
        ]
        every = [id(step.operation) for step in self.steps]
        return any(every.count(each) > 1 for each in noisy)

    def _count_consumers(self):
        found = {}
        for step in self.steps:
            for index in {s.index for s in slots_in([step.args, step.kwargs])}:
                found.setdefault(index, []).append(step)
        for slot in slots_in(self.outputs):
            found.setdefault(slot.index, []).append(None)
        return found

    def _take(self, step):
        check_step(step, self.owner)
        read = {s.index for s in slots_in([step.args, step.kwargs])}
        made = slots_in(step.outputs)
        weights = getattr(step.operation, "trainable_weights", [])
        if read <= self._fixed and not weights:
            self._fixed |= {slot.index for slot in made}
            self.known.append(step)
            return
        for slot in made:
            self._producer[slot.index] = step
        if isinstance(step.operation, RECURRENT):
            self._add_recurrent(step)
            return
        merges = len(read - self._fixed) > 1
        open_ends = read & self._computed - self.views.keys()
        if _starts(step) or merges or open_ends:
            self._computed |= {slot.index for slot in made}
            for slot in made:
                if self._is_unknown(slot):
                    self._add_unknown(step, slot)

    def _is_unknown(self, slot):
        consumers = self._consumers.get(slot.index, [])
        return len(consumers) > 1 or any(
            step is not None and _starts(step) for step in consumers
        )

    def _add_unknown(self, step, slot):
        block = self._block(None, [slot], (len(self.unknowns),))
        check_unknown(step, slot, self.owner)
        self._append(block, [Unknown(block.name, slot.shape[1:])])
        self.views[slot.index] = block.unknowns, lambda values: values[0]

    def _add_recurrent(self, step):
        source = slots_in([step.args, step.kwargs])[0]
        check_recurrent(step, source, self.owner)
        recurrent = Recurrent(step.operation, source.shape[1])
        first = len(self.unknowns)
        places = tuple(range(first, first + len(recurrent.sizes)))
        block = self._block(step.name, [source], places)
        block = dataclasses.replace(
            block,
            steps=[*block.steps, step],
            reads=tuple(sorted({*block.reads, *places})),
            recurrent=recurrent,
        )
        self._append(
            block,
            [
                Unknown(name, shape)
                for name, shape in zip(
                    recurrent.names(), recurrent.shapes(), strict=True
                )
            ],
        )
        for place, slot in enumerate(slots_in(step.outputs)):
            self.views[slot.index] = places, _view(recurrent, place)

    def _append(self, block, unknowns):
        taken = {unknown.name for unknown in self.unknowns}
        for unknown in unknowns:
            name, count = unknown.name, 1
            while name in taken:
                name, count = f"{unknown.name}_{count}", count + 1
            taken.add(name)
            self.unknowns.append(dataclasses.replace(unknown, name=name))
        self.blocks.append(block)

    def _block(self, name, outputs, unknowns):
        """What computes some slots from unknowns and what is known."""
        wanted, steps, reads = list(outputs), {}, set()
        while wanted:
            index = wanted.pop().index
            if index in self.views:
                reads |= set(self.views[index][0])
            elif index not in self._fixed:
                step = self._producer[index]
                if id(step) not in steps:
                    steps[id(step)] = step
                    wanted += slots_in([step.args, step.kwargs])
        order = [step for step in self.steps if id(step) in steps]
        if name is None:
            name = next(
                (step.name for step in order if _starts(step)), order[-1].name
            )
        return Block(name, order, outputs, unknowns, tuple(sorted(reads)))


def _starts(step):
    layer = step.operation
    return (
        isinstance(layer, keras.layers.Layer)
        and bool(layer.weights)
        and not isinstance(layer, _FOLDED)
    ) or isinstance(layer, RECURRENT)


def _view(recurrent, place):
    return lambda values: recurrent.outputs(values)[place]
