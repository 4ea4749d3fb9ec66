"""The stochastic graph of a model, read by public means of Keras."""

import dataclasses

import keras

from keras_bp.layers.cost_node import CostNode
from keras_bp.layers.stochastic_node import StochasticNode
from keras_bp.training._linear_layers import read_of
from keras_bp.training._readable import (
    check_opaque,
    check_readable,
    is_readable,
    structure_of,
)


@dataclasses.dataclass(frozen=True)
class Slot:
    """The place of a tensor in a pass through a graph.

    Attributes:
        index: Integer.
        shape: Tuple, with the axis of examples.
        dtype: String.
    """

    index: int
    shape: tuple = dataclasses.field(default=(), compare=False)
    dtype: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation applied once.

    Attributes:
        operation: Layer or other Keras operation.
        args: Its positional arguments, with `Slot` for tensors.
        kwargs: Its keyword arguments, in the same way.
        outputs: Structure of `Slot`.
        name: String, unique in the graph; a shared layer has one for each
            time it is applied.
    """

    operation: keras.Operation
    args: tuple
    kwargs: dict
    outputs: object
    name: str


class StochasticGraph:
    """Which nodes and costs a model has, and what depends on what.

    Args:
        model: Sequential or functional model. Models in it are looked into;
            what is inside another layer is not.

    Attributes:
        steps: List of `Step`, in an order in which they can be run.
        inputs: List of `Slot`, one for each input.
        outputs: Structure of `Slot`, as the model returns it.
        nodes: Dictionary from a name to the `Step` of a `StochasticNode`.
        costs: Dictionary from a name to the `Step` of a `CostNode`.

    Raises:
        TypeError: The model is neither Sequential nor functional.
        ValueError: A node or a cost is inside a layer, where the graph cannot
            be read.

    Example:

    >>> import keras
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import StochasticGraph
    >>> bits = StochasticNode(estimator="reinmax", name="bits")
    >>> model = keras.Sequential([keras.Input((3,)), bits])
    >>> list(StochasticGraph(model).nodes)
    ['bits']
    """

    def __init__(self, model):
        self.steps = []
        self._count = 0
        self._names = {}
        self.inputs, self.outputs = self._read(model)
        # Brings inputs into the types and ranks that the graph expects.
        self._entry = keras.Model(structure_of(model, "input"), model.inputs)
        self.nodes = self._steps_of(StochasticNode)
        self.costs = self._steps_of(CostNode)
        self._follow()

    def input_tensors(self, x):
        """The inputs of a model as a list of tensors, for `inputs`."""
        return keras.tree.flatten(self._entry(x))

    def ancestors(self, slots):
        """Names of the nodes above any of some slots, in order."""
        return self._union(self._ancestors, slots)

    def parents(self, slots):
        """Names of the nodes from which a slot is reached without another."""
        return self._union(self._parents, slots)

    def below(self, name):
        """The steps below a node, in order."""
        return [
            step
            for step in self.steps
            if step.name != name and name in self.ancestors([step.outputs])
        ]

    def above(self, name):
        """Names of the nodes above a node."""
        step = self.nodes[name]
        return self.ancestors([step.args, step.kwargs])

    def scope(self, name, slots):
        """The frontier of a node: what a function for its costs has to know.

        Args:
            name: String, the node.
            slots: Structure of `Slot`, the cost.

        Returns:
            Names of those of the node and its ancestors from which the cost
            is reached through other nodes alone.
        """
        own = {*self.above(name), name}
        found, seen, left = set(), set(), list(self.parents(slots))
        while left:
            parent = left.pop()
            if parent in own:
                found.add(parent)
            elif parent not in seen:
                seen.add(parent)
                step = self.nodes[parent]
                left += self.parents([step.args, step.kwargs])
        return tuple(node for node in self.nodes if node in found)

    def _union(self, table, slots):
        found = set()
        for slot in slots_in(slots):
            found |= table[slot.index]
        return tuple(node for node in self.nodes if node in found)

    def _steps_of(self, kind):
        return {
            step.name: step
            for step in self.steps
            if isinstance(step.operation, kind)
        }

    def _follow(self):
        self._ancestors = {slot.index: frozenset() for slot in self.inputs}
        self._parents = dict(self._ancestors)
        for step in self.steps:
            read = slots_in([step.args, step.kwargs])
            above = frozenset().union(*(self._ancestors[s.index] for s in read))
            direct = frozenset().union(*(self._parents[s.index] for s in read))
            if step.name in self.nodes:
                above, direct = above | {step.name}, frozenset({step.name})
            for slot in slots_in(step.outputs):
                self._ancestors[slot.index] = above
                self._parents[slot.index] = direct

    def _new_slot(self, tensor):
        self._count += 1
        return Slot(self._count - 1, tuple(tensor.shape), str(tensor.dtype))

    def _new_name(self, operation):
        times = self._names[operation.name] = (
            self._names.get(operation.name, 0) + 1
        )
        return operation.name if times == 1 else f"{operation.name}:{times - 1}"

    def _read(self, model, inputs=None):
        """Appends the steps of a model; returns its inputs and outputs."""
        check_readable(model)
        # The same graph, without what `compile` and a subclass added.
        graph = keras.Model(model.inputs, model.outputs)
        tensors = [
            keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name)
            for x in graph.inputs
        ]
        if inputs is None:
            inputs = [self._new_slot(x) for x in tensors]
        # The tensors are kept, so that an id is not used again.
        places = {
            id(tensor): (slot, tensor)
            for tensor, slot in zip(tensors, inputs, strict=True)
        }

        def call(recorder, *args, **kwargs):
            outputs = recorder(*args, **kwargs)
            slots = self._record(
                recorder.operation, *_placed(places, args, kwargs), outputs
            )
            for tensor, slot in zip(
                keras.tree.flatten(outputs), slots_in(slots), strict=True
            ):
                places[id(tensor)] = (slot, tensor)
            return outputs

        clone = keras.models.clone_model(
            graph,
            input_tensors=keras.tree.pack_sequence_as(graph.input, tensors),
            clone_function=_Recorder,
            call_function=call,
        )
        outputs = [places[id(x)][0] for x in clone.outputs]
        return inputs, keras.tree.pack_sequence_as(
            structure_of(model, "output"), outputs
        )

    def _record(self, operation, args, kwargs, outputs):
        if isinstance(operation, keras.Model) and is_readable(operation):
            return self._read(operation, slots_in(read_of(args, kwargs)))[1]
        check_opaque(operation)
        slots = keras.tree.map_structure(self._new_slot, outputs)
        self.steps.append(
            Step(operation, args, kwargs, slots, self._new_name(operation))
        )
        return slots


class _Recorder(keras.Operation):
    """Stands for an operation in a graph that is only read."""

    def __init__(self, operation):
        super().__init__()
        self.operation = operation

    def compute_output_spec(self, *args, **kwargs):
        return self.operation.compute_output_spec(*args, **kwargs)


def slots_in(structure):
    """The `Slot` of a structure, in order."""
    leaves = keras.tree.flatten(structure)
    return [leaf for leaf in leaves if isinstance(leaf, Slot)]


def _placed(places, args, kwargs):
    def place(leaf):
        known = isinstance(leaf, keras.KerasTensor)
        return places[id(leaf)][0] if known else leaf

    return keras.tree.map_structure(place, (args, kwargs))
