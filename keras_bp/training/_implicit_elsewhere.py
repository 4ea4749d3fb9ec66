"""Weights that are used otherwise than by the layer that holds them."""

import keras
from keras import ops

from keras_bp.training._replaced_calls import replaced_calls


def used_elsewhere(model, layers, x, y, sample_weight):
    """Ids of weights whose gradient has parts beside the calls of the layer.

    Such as a kernel that a model also multiplies with by itself, or a penalty
    that `add_loss` got. Penalties of the layers themselves are known.

    Args:
        model: `keras.Model` that is compiled.
        layers: List of layers.
        x, y, sample_weight: A batch.
    """
    import tensorflow as tf

    if not layers:
        return frozenset()
    weights = [w for layer in layers for w in layer.trainable_weights]
    still = [
        (w, ops.stop_gradient(ops.convert_to_tensor(w.value))) for w in weights
    ]
    # No state and no noise changes; in a graph all of it is left out.
    scope = keras.StatelessScope(collect_losses=True)
    with scope, tf.GradientTape() as tape:
        with _calls_with(layers, still):
            y_pred = model(x, training=True)
        # For the penalties of layers, which Keras then reads off the scope.
        for weight in model.trainable_variables:
            scope.add_update((weight, ops.convert_to_tensor(weight.value)))
        for pair in still:
            scope.add_update(pair)
        loss = model.compute_loss(
            x=x,
            y=y,
            y_pred=y_pred,
            sample_weight=sample_weight,
            training=True,
        )
    found = tape.gradient(loss, [w.value for w in weights])
    return {id(w) for w, g in zip(weights, found, strict=True) if g is not None}


def _calls_with(layers, values):
    """Layers compute with some values in the place of variables."""

    def changed(_, call):
        def run(*args, **kwargs):
            with keras.StatelessScope(state_mapping=values):
                return call(*args, **kwargs)

        return run

    return replaced_calls(layers, changed)
