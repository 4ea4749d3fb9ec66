"""Fixed feedback in place of transposed weights."""

import itertools

import keras
import numpy as np
from keras import ops

from keras_bp.training._linear_layers import (
    apply,
    fans,
    is_linear,
    products,
    read_of,
)
from keras_bp.training._local_blocks import call_step, run_steps
from keras_bp.training._local_checks import check_steps, layer_error
from keras_bp.training.stochastic_graph import StochasticGraph, slots_in

FEEDBACKS = ("random", "sign_symmetric", "uniform_sign", "transposed")
# They scale units, or groups of them, and mix none that their statistics do
# not: differentiated as ever.
_SCALING = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.PReLU,
)


def routed(x, product, kernel, feedback):
    """A product whose gradient by `x` goes through other weights.

    The value is `x` times `kernel`, and so is the gradient by the kernel; the
    gradient by `x` is the one that `x` times `feedback` would have.

    Args:
        x: Tensor.
        product: `Product`.
        kernel, feedback: Tensors of one shape.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def route(value, x, feedback):
        def grad(upstream):
            if product.back is not None:
                return upstream, product.back(upstream, feedback), None
            # A gradient of a linear function does not need its value, which
            # a graph leaves out.
            with tf.GradientTape() as tape:
                tape.watch(x)
                shadow = product.of(x, feedback)
            return upstream, tape.gradient(shadow, x, upstream), None

        return tf.identity(value), grad

    return route(product.of(ops.stop_gradient(x), kernel), x, feedback)


class FeedbackGraph:
    """The graph of a model, and which of its layers need feedback.

    Args:
        model: Sequential or functional model.
        owner: String, who speaks in errors.

    Attributes:
        layers: List of the layers that send a gradient to layers below them.
    """

    def __init__(self, model, owner):
        self._graph = StochasticGraph(model)
        check_steps(self._graph.steps, owner)
        self.layers = []
        # Slots that depend on weights which may be trained.
        learned = set()
        for step in self._graph.steps:
            layer = step.operation
            read = {s.index for s in slots_in([step.args, step.kwargs])}
            above = bool(read & learned) and self._needs_feedback(layer, owner)
            if above and layer not in self.layers:
                self.layers.append(layer)
            if read & learned or _learns(layer):
                learned |= {slot.index for slot in slots_in(step.outputs)}

    def _needs_feedback(self, layer, owner):
        if not isinstance(layer, keras.layers.Layer):
            return False
        if is_linear(layer):
            return True
        if isinstance(layer, _SCALING):
            return False
        if any(len(weight.shape) > 1 for weight in layer.weights):
            raise layer_error(
                owner,
                layer,
                "how its weights take part in its gradient is not known",
                "Layers above others may be Dense, Conv1D, Conv2D, Conv3D, "
                "DepthwiseConv or SeparableConv, and such that scale single "
                "units; see DirectFeedbackAlignmentModel for others",
            )
        return False

    def run(self, x, feedback):
        """The outputs of the model in training.

        Args:
            x: Inputs.
            feedback: Function of a layer and the number of its product that
                returns a tensor in place of the kernel.
        """
        graph, above = self._graph, {id(layer) for layer in self.layers}
        env = {
            slot.index: tensor
            for slot, tensor in zip(
                graph.inputs, graph.input_tensors(x), strict=True
            )
        }

        def call(step, args, kwargs):
            layer = step.operation
            if id(layer) not in above:
                return call_step(step, args, kwargs)
            count = iter(range(len(products(layer))))

            def multiply(x, product, kernel):
                given = feedback(layer, next(count))
                given = kernel if given is None else given
                return routed(x, product, kernel, ops.cast(given, x.dtype))

            return apply(layer, read_of(args, kwargs), multiply)

        run_steps(graph.steps, env, call)
        return keras.tree.map_structure(
            lambda slot: env[slot.index], graph.outputs
        )


def glorot_deviation(shape, scale):
    """Standard deviation of Glorot's initializers, times a scale."""
    fan_in, fan_out = fans(shape)
    return scale * (2.0 / (fan_in + fan_out)) ** 0.5


def initial_seeds(seed):
    """Iterator of seeds for initializers, or of None for a seed of None."""
    if seed is None:
        return itertools.repeat(None)
    random = np.random.default_rng(seed)
    return (int(random.integers(2**31)) for _ in itertools.count())


def _learns(layer):
    # What is measured once, and not trained, is no layer below.
    return (
        isinstance(layer, keras.layers.Layer)
        and bool(layer.weights)
        and not isinstance(layer, keras.layers.Normalization)
    )
