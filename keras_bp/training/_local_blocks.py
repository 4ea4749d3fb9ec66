"""The layers of a model, each run and differentiated by itself."""

import keras
from keras import ops

from keras_bp.training._lagrangian_graph import LagrangianGraph
from keras_bp.training._local_checks import check_losses, check_steps
from keras_bp.training.stochastic_graph import Slot, StochasticGraph


def read_blocks(model, owner):
    """`LagrangianGraph` of a model, in whose errors `owner` speaks."""
    check_steps(StochasticGraph(model).steps, owner)
    return LagrangianGraph(model, owner)


def run_steps(steps, env, call=None):
    """Runs steps on the tensors of their slots, and adds what they make.

    Args:
        steps: List of `Step`, in order.
        env: Dictionary from the index of a slot to its tensor.
        call: Function of a step, its arguments and keyword arguments that
            returns its outputs, or None to call its operation.
    """

    def place(leaf):
        return env[leaf.index] if isinstance(leaf, Slot) else leaf

    for step in steps:
        if keras.tree.flatten(step.outputs)[0].index in env:
            continue
        args, kwargs = keras.tree.map_structure(place, (step.args, step.kwargs))
        outputs = (call or call_step)(step, args, kwargs)
        for slot, tensor in zip(
            keras.tree.flatten(step.outputs),
            keras.tree.flatten(outputs),
            strict=True,
        ):
            env[slot.index] = tensor


def call_step(step, args, kwargs, training=True):
    """What the operation of a step returns."""
    if isinstance(step.operation, keras.layers.Layer):
        kwargs = {**kwargs, "training": training}
    return step.operation(*args, **kwargs)


def forward_values(graph, x, carry, training):
    """The neurons of each block, with gradients through all of them.

    Args:
        graph: `LagrangianGraph`.
        x: Inputs of the model.
        carry: Function of the neurons of a block that returns what the next
            ones read.
        training: Boolean.
    """

    def call(step, args, kwargs):
        return call_step(step, args, kwargs, training)

    run, values, read = BlockPass(graph, x, call=call), [], []
    for block in graph.blocks:
        values.append(run.of(block, read))
        read.append(carry(values[-1]))
    return values


class BlockPass:
    """One pass through the blocks of a graph, with a tape for each.

    What a block reads does not know where it comes from, so no gradient
    crosses from one block to another.

    Args:
        graph: `LagrangianGraph`.
        x: Inputs of the model.
        carry: Function of the neurons of a block that returns what the next
            ones read, or None for the neurons themselves.
        call: As `run_steps` takes it.

    Attributes:
        values: List of tensors, the neurons of each block.
    """

    def __init__(self, graph, x, carry=None, call=None):
        self.graph, self.values, self._call = graph, [], call
        self._carry = carry or (lambda value: value)
        self._read, self._tapes = [], []
        tensors = graph.input_tensors(x)
        self._known = {
            slot.index: tensor
            for slot, tensor in zip(graph.inputs, tensors, strict=True)
        }
        run_steps(graph.known, self._known, call)

    def run(self):
        """Runs all blocks; returns itself."""
        for block in self.graph.blocks:
            self.step(block)
        return self

    def step(self, block):
        """Runs the next block; returns its neurons."""
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([w.value for w in block.weights()])
            value = self.of(block, self._read)
        check_losses(block.steps, self.graph.owner)
        self._tapes.append(tape)
        self.values.append(value)
        # Outside of the tape, and of all that come.
        self._read.append(self._carry(value))
        return value

    def of(self, block, values):
        """What a block makes of the neurons that it may read."""
        env = self.environment(block, values)
        run_steps(block.steps, env, self._call)
        return env[block.outputs[0].index]

    def environment(self, block, values=None):
        """The tensors that a block may read, by the indices of slots."""
        values = self._read if values is None else values
        env = dict(self._known)
        for index, (places, view) in self.graph.views.items():
            if set(places) <= set(block.reads) and max(places) < len(values):
                env[index] = view([values[place] for place in places])
        return env

    def read(self, place):
        """What blocks read of the neurons at a place."""
        return self._read[place]

    def gradients(self, place, cotangent):
        """Pairs of a weight of a block and its gradient.

        Args:
            place: Integer, the block.
            cotangent: Tensor, the derivative by its neurons.
        """
        value, weights = self.values[place], self.graph.blocks[place].weights()
        found = self._tapes[place].gradient(
            value,
            [w.value for w in weights],
            ops.cast(cotangent, value.dtype),
        )
        return list(zip(weights, found, strict=True))


class Gradients:
    """Sums of gradients by their weights."""

    def __init__(self):
        self._found = {}

    def add(self, pairs):
        """Adds pairs of a weight and a gradient, which may be None."""
        for weight, gradient in pairs:
            if gradient is None:
                continue
            have = self._found.get(id(weight))
            if have is not None:
                gradient = ops.convert_to_tensor(gradient)
                gradient = ops.convert_to_tensor(have) + gradient
            self._found[id(weight)] = gradient

    def of(self, weights):
        """List of the gradients of weights, None where there is none."""
        return [self._found.get(id(weight)) for weight in weights]
