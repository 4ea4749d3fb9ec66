"""One pass through a stochastic graph, whole or from a node downward."""

import dataclasses

import keras
from keras import ops

from keras_bp.ops._node_distributions import MAX_STATES
from keras_bp.training._axes import Axes
from keras_bp.training._linear_layers import read_of
from keras_bp.training.stochastic_graph import Slot


@dataclasses.dataclass(frozen=True)
class Draw:
    """What a node did in a pass.

    Attributes:
        distribution: At the parameters of each row.
        noise: What the sample was made of, or None where states were counted.
        value: The sample, in the type of the distribution.
        axes: Tuple of names, the axes of the rows.
    """

    distribution: object
    noise: object
    value: object
    axes: tuple


@dataclasses.dataclass(frozen=True)
class Mode:
    """How the nodes are run.

    Attributes:
        training: Boolean, for the layers.
        folded: Boolean, whether nodes have axes; if not, each gives one
            sample, or what its `inference` says.
        enumerated: Tuple of names of nodes, beside those whose estimator
            enumerates.
    """

    training: bool = True
    folded: bool = True
    enumerated: tuple = ()

    def enumerates(self, name, node):
        if name in self.enumerated:
            return True
        return self.folds(node) and node.rule.enumerates

    def folds(self, node):
        sampled = self.training or node.inference == "sample"
        return self.folded and sampled


class Pass:
    """The values of all tensors of a graph.

    Args:
        graph: `StochasticGraph`.
        tensors: List of tensors, one for each input of the graph.
        mode: `Mode`.

    Attributes:
        axes: `Axes`.
        draws: Dictionary from the name of a node to its `Draw`.
        costs: Dictionary from the name of a `CostNode` to its cost `(rows,)`
            and their axes.
        weights: Dictionary from the axis of an enumerated node to the
            probability of its states `(rows,)` and their axes.
    """

    def __init__(self, graph, tensors, mode):
        batch = tensors[0].shape[0]
        batch = ops.shape(tensors[0])[0] if batch is None else batch
        self.graph, self.mode = graph, mode
        self.axes = Axes(batch, graph.nodes)
        self.draws, self.costs, self.weights = {}, {}, {}
        self._values = {
            slot.index: (tensor, ())
            for slot, tensor in zip(graph.inputs, tensors, strict=True)
        }
        self._below = None
        self._given = {}
        self._run(graph.steps)

    def again(self, name, value, below=None):
        """The part below a node once more, at another value of it.

        Nodes below draw from the noise that they had.

        Args:
            name: String, the node.
            value: Its value, in the type and rows of its `Draw`.
            below: Function from a distribution and noise to the value of a
                node below, or None for a sample as before.

        Returns:
            `Pass`, whose `costs` are those below the node alone.
        """
        new = object.__new__(Pass)
        new.graph, new.mode, new.axes = self.graph, self.mode, self.axes
        new.draws, new.weights = dict(self.draws), dict(self.weights)
        new.costs = {}
        new._values = dict(self._values)
        new._below = below
        new._given = self.draws
        step = self.graph.nodes[name]
        node = step.operation
        output = node.to_output(value)
        mask = getattr(self.value(step.outputs)[0], "_keras_mask", None)
        if mask is not None:
            output._keras_mask = mask
        new._values[step.outputs.index] = output, self.draws[name].axes
        new._run(self.graph.below(name))
        return new

    def value(self, slot):
        """A tensor and the axes of its rows."""
        return self._values[slot.index]

    def outputs(self):
        """What the model returns."""
        return keras.tree.map_structure(
            lambda slot: self.value(slot)[0], self.graph.outputs
        )

    def picked(self, slot):
        """One row of each example, as likely as it is weighted."""
        tensor, axes = self.value(slot)
        counted = [name for name in axes if name in self.weights]
        if not axes:
            return tensor
        table = ops.reshape(
            tensor, (self.axes.count(axes), -1, *tensor.shape[1:])
        )
        if not counted:
            return table[0]
        weight = 1.0
        for name in counted:
            weight = weight * self.axes.expand(*self.weights[name], axes)
        weight = ops.reshape(weight, (self.axes.count(axes), -1))
        edges = ops.cumsum(weight, axis=0)
        # The last edge is the sum of all.
        source = self.graph.nodes[counted[0]].operation.noise_source
        u = source.uniform((self.axes.batch,)) * edges[-1]
        index = ops.sum(ops.cast(edges[:-1] <= u, "int32"), axis=0)
        index = ops.reshape(index, (1, -1, *(1,) * (len(tensor.shape) - 1)))
        return ops.take_along_axis(table, index, axis=0)[0]

    def _run(self, steps):
        for step in steps:
            args, kwargs, axes = self._arguments(step)
            if step.name in self.graph.nodes:
                before, inputs = axes, read_of(args, kwargs)
                outputs, axes = self._draw(step, inputs, axes)
                self._mask(outputs, inputs, before, axes)
            elif step.name in self.graph.costs:
                outputs = step.operation.costs_of(read_of(args, kwargs))
                self.costs[step.name] = outputs, axes
            else:
                outputs = self._call(step.operation, args, kwargs)
            slots = keras.tree.flatten(step.outputs)
            tensors = keras.tree.flatten(outputs)
            for slot, tensor in zip(slots, tensors, strict=True):
                self._values[slot.index] = tensor, axes

    def _arguments(self, step):
        leaves = keras.tree.flatten((step.args, step.kwargs))
        found = [self.value(x) for x in leaves if isinstance(x, Slot)]
        axes = self.axes.union(*(own for _, own in found))

        def place(leaf):
            if not isinstance(leaf, Slot):
                return leaf
            tensor, own = self.value(leaf)
            return self._expand(tensor, own, axes)

        args, kwargs = keras.tree.map_structure(place, (step.args, step.kwargs))
        return args, kwargs, axes

    def _expand(self, tensor, have, want):
        wide = self.axes.expand(tensor, have, want)
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None and wide is not tensor:
            wide._keras_mask = self.axes.expand(mask, have, want)
        return wide

    def _mask(self, output, inputs, have, want):
        """The mask of the inputs of a node is that of its output."""
        first = keras.tree.flatten(inputs)[0]
        mask = getattr(first, "_keras_mask", None)
        if mask is not None:
            output._keras_mask = self.axes.expand(mask, have, want)

    def _call(self, operation, args, kwargs):
        if isinstance(operation, keras.layers.Layer):
            kwargs = {**kwargs, "training": self.mode.training}
        return operation(*args, **kwargs)

    def _draw(self, step, inputs, axes):
        name, node = step.name, step.operation
        if self.mode.enumerates(name, node):
            return self._enumerate(name, node, inputs, axes)
        if self.mode.folds(node) and node.samples > 1:
            self.axes.sizes[name] = node.samples
            wide = self.axes.union(axes, (name,))
            inputs = keras.tree.map_structure(
                lambda x: self._expand(x, axes, wide), inputs
            )
            axes = wide
        distribution = node.distribution_of(inputs)
        value, noise = self._sample(name, node, distribution)
        self.draws[name] = Draw(distribution, noise, value, axes)
        return node.to_output(value), axes

    def _sample(self, name, node, distribution):
        if not self.mode.training and node.inference != "sample":
            return getattr(distribution, node.inference)(), None
        if name in self._given:
            noise = self._given[name].noise
        else:
            noise = node.noise_of(distribution)
        if self._below is not None:
            return self._below(distribution, noise), noise
        return node.sample_of(distribution, noise, self.mode.training), noise

    def _enumerate(self, name, node, inputs, axes):
        try:
            states = node.distribution_of(inputs).states()
        except ValueError as error:
            raise ValueError(
                f"The node {name!r} cannot be enumerated, see the method "
                f"'monte_carlo' of gradient_check. {error}"
            ) from error
        self.axes.sizes[name] = states.shape[0]
        wide = self.axes.union(axes, (name,))
        _check_joint(name, self.axes.count(wide))
        inputs = keras.tree.map_structure(
            lambda x: self._expand(x, axes, wide), inputs
        )
        distribution = node.distribution_of(inputs)
        sizes = [self.axes.sizes[axis] for axis in wide]
        tail = tuple(states.shape[1:])
        ones = [1] * (len(sizes) - 1)
        place = wide.index(name)
        shape = (*ones[:place], states.shape[0], *ones[place:], 1, *tail)
        value = ops.broadcast_to(
            ops.reshape(states, shape), (*sizes, self.axes.batch, *tail)
        )
        value = ops.reshape(value, (-1, *tail))
        self.weights[name] = ops.exp(distribution.joint_log_prob(value)), wide
        self.draws[name] = Draw(distribution, None, value, wide)
        return node.to_output(value), wide


def _check_joint(name, count):
    if count > MAX_STATES:
        raise ValueError(
            f"Enumeration goes through at most {MAX_STATES} joint states. "
            f"Received: {count}, of the node {name!r} and those above it. Use "
            "another estimator, or 'monte_carlo' in gradient_check"
        )
