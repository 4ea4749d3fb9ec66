"""The error of a model at its outputs, and the gradients of its last layers."""

import math

import keras
from keras import ops

from keras_bp.training._linear_layers import (
    finish,
    is_linear,
    logits_of,
    read_of,
)
from keras_bp.training._local_blocks import call_step, run_steps
from keras_bp.training._local_checks import layer_error
from keras_bp.training.stochastic_graph import slots_in


class OutputErrors:
    """Where errors are taken: before the activation of each last layer.

    An output that no dense or convolutional layer has computed alone gives its
    error as it is.

    Args:
        graph: `LagrangianGraph`.
        owner: String, who speaks in errors.

    Attributes:
        size: Integer, errors of an example.
    """

    def __init__(self, graph, owner):
        self._graph, self._steps, self._slots = graph, {}, []
        makers = {
            slot.index: step
            for step in graph.tail.steps
            for slot in slots_in(step.outputs)
        }
        shapes = []
        for slot in slots_in(graph.outputs):
            if slot.index not in makers:
                raise ValueError(
                    f"{owner} expects outputs of the model that none of its "
                    "layers with weights reads, so that they have errors of "
                    "their own. Received: an output of shape "
                    f"{slot.shape} that is read inside"
                )
            step = _last_product(makers, slot)
            if step is None:
                self._slots.append(slot.index)
            elif id(step) in self._steps:
                continue
            else:
                self._steps[id(step)] = step
            last = slot if step is None else slots_in(step.outputs)[0]
            if None in last.shape[1:]:
                raise layer_error(
                    owner,
                    makers[slot.index].operation,
                    f"its output has no fixed size, but the shape {last.shape}",
                    "Give the model inputs of a fixed shape",
                )
            shapes.append(last.shape[1:])
        self.size = sum(math.prod(shape) for shape in shapes)

    def of(self, model, run, batch, scale, reads=()):
        """Errors of a batch.

        Args:
            model: `LocalModel`.
            run: `BlockPass`.
            batch: Triple of inputs, targets and weights of examples.
            scale: Scalar, by which all derivatives are multiplied.
            reads: List of tensors of `run.read`, whose derivatives are wanted.

        Returns:
            Derivatives of the loss by logits, `(batch, size)`; list of those
            by `reads`; pairs of a weight of the model and its gradient, in
            the last layers and in penalties; the loss; and the outputs.
        """
        import tensorflow as tf

        _, y, sample_weight = batch
        weights = model.trainable_variables
        found = {}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*reads, *(w.value for w in weights)])
            outputs = self._outputs(run, tape, found)
            loss = model.loss_of(y, outputs, sample_weight)
            scaled = loss * ops.cast(scale, loss.dtype)
        sites = list(found.values())
        given = tape.gradient(
            scaled, [sites, list(reads), [w.value for w in weights]]
        )
        errors = [
            ops.cast(
                ops.zeros_like(x) if e is None else e,
                "float32" if _narrow(x) else x.dtype,
            )
            for x, e in zip(sites, given[0], strict=True)
        ]
        flat = [ops.reshape(e, (ops.shape(e)[0], -1)) for e in errors]
        pairs = list(zip(weights, given[2], strict=True))
        return ops.concatenate(flat, axis=1), given[1], pairs, loss, outputs

    def _outputs(self, run, tape, found):
        graph = self._graph
        env = run.environment(graph.tail)

        def call(step, args, kwargs):
            if id(step) not in self._steps:
                return call_step(step, args, kwargs)
            layer = step.operation
            read = read_of(args, kwargs)
            logits = logits_of(layer, read, lambda x, p, k: p.of(x, k))
            tape.watch(logits)
            found[id(step)] = logits
            return finish(layer, logits)

        run_steps(graph.tail.steps, env, call)
        for index in self._slots:
            tape.watch(env[index])
            found[index] = env[index]
        return keras.tree.map_structure(
            lambda slot: env[slot.index], graph.outputs
        )


def _last_product(makers, slot):
    """The layer before an output with weights to be taken apart, or None."""
    while slot.index in makers:
        step = makers[slot.index]
        layer = step.operation
        if isinstance(layer, keras.layers.Layer) and is_linear(layer):
            return step
        read = slots_in([step.args, step.kwargs])
        if len(read) != 1:
            return None
        (slot,) = read
    return None


def _narrow(x):
    return keras.backend.standardize_dtype(x.dtype) in ("float16", "bfloat16")
