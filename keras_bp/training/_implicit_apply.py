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

    # Replicas step together: none may branch by itself. XLA would move what
    # leads to the gradients into the branch, and convolutions in branches are
    # some five times slower there.
    if replicas() > 1 or model.jit_compile:
        _apply_or_restore(optimizer, gradients, weights, sound)
    else:
        tf.cond(sound, step, lambda: ops.zeros(()))


def _apply_or_restore(optimizer, gradients, weights, sound):
    gradients = [_or_zero(x, sound) for x in gradients]
    slots = [x for x in optimizer.variables if len(x.shape)]
    # Without slots, such as momentum, a gradient of zero moves nothing.
    kept = [*slots, *weights] if slots and replicas() == 1 else []
    before = [ops.copy(x.value) for x in kept]
    optimizer.apply(gradients, weights)
    for variable, value in zip(kept, before, strict=True):
        variable.assign(ops.where(sound, variable.value, value))


def _or_zero(gradient, sound):
    if gradient is None:
        return None
    return ops.where(sound, gradient, ops.zeros_like(gradient))
