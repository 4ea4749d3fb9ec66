"""Gradients of weights by constraints, and by backpropagation."""

import keras
from keras import ops

from keras_bp.training._lagrangian_diagnostics import relaxed
from keras_bp.training._lagrangian_fit import check_numbers
from keras_bp.training._lagrangian_relaxation import Relaxation, Wanted
from keras_bp.training._lagrangian_tables import split
from keras_bp.training._local_trace import traced, unscaled


def local_gradients(model, x, y, sample_weight):
    """Pairs of a weight and its gradient at relaxed states, or None."""
    check_numbers(model, x)
    weights = model.trainable_variables

    def compute(x, y, sample_weight):
        # Nothing that a layer or a seed keeps changes.
        with keras.StatelessScope():
            relaxation, states, _ = relaxed(model, x, y, sample_weight)
            with keras.StatelessScope():
                forces = relaxation.forces(
                    states.values,
                    states.multipliers,
                    Wanted(states=False, weights=True),
                )
        return [forces.weights.get(id(w)) for w in weights]

    found = traced(model, "local", compute)(x, y, sample_weight)
    return list(zip(weights, found, strict=True))


def backprop_gradients(model, x, y, sample_weight):
    """Pairs of a weight and its gradient through all layers, or None."""
    import tensorflow as tf

    weights = model.trainable_variables

    def compute(x, y, sample_weight):
        relaxation = Relaxation(model, split(x)[1], y, sample_weight)
        with (
            tf.GradientTape(watch_accessed_variables=False) as tape,
            keras.StatelessScope(),
        ):
            tape.watch([w.value for w in weights])
            loss = relaxation.loss(relaxation.plain_outputs())
            scale = model.optimizer.scale_loss(ops.ones((), loss.dtype))
            scaled = loss * ops.cast(scale, loss.dtype)
        found = tape.gradient(scaled, [w.value for w in weights])
        return [unscaled(gradient, scale) for gradient in found]

    found = traced(model, "true", compute)(x, y, sample_weight)
    return list(zip(weights, found, strict=True))
