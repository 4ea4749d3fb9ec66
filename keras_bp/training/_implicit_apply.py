"""How gradients are applied, or not."""

from keras import ops


def replicas():
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def apply(model, gradients, sound):
    """Steps unless the loss is not finite; then everything stays."""
    import tensorflow as tf

    optimizer, weights = model.optimizer, model.trainable_variables
    if not optimizer.built:
        optimizer.build(weights)

    def step():
        optimizer.apply(gradients, weights)
        return ops.zeros(())

    if replicas() > 1:
        # Replicas step together: none may branch by itself.
        optimizer.apply([_or_zero(x, sound) for x in gradients], weights)
    else:
        tf.cond(sound, step, lambda: ops.zeros(()))


def _or_zero(gradient, sound):
    if gradient is None:
        return None
    return ops.where(sound, gradient, ops.zeros_like(gradient))
