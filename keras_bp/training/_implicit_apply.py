"""How gradients are applied, or not."""

from keras import ops

from keras_bp._children import frozen_weights
from keras_bp.training._replicas import (
    everywhere,
    optimizers_meet,
    replicas,
)


def proximal_rate(model):
    """The learning rate of the proximal problem, a scalar tensor."""
    if model.prox_learning_rate is not None:
        return ops.convert_to_tensor(model.prox_learning_rate, "float32")
    rate = getattr(model.optimizer, "learning_rate", None)
    if rate is None:
        raise ValueError(
            f"{type(model).__name__} expects an optimizer with a learning "
            "rate, or `prox_learning_rate`. Received: optimizer="
            f"{model.optimizer}"
        )
    return ops.convert_to_tensor(rate)


def apply(model, gradients, sound):
    """Steps where the loss is sound, a scalar; else everything stays."""
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
    if optimizers_meet() or model.jit_compile:
        _apply_or_restore(optimizer, gradients, weights, sound)
    else:
        tf.cond(sound, step, lambda: ops.zeros(()))


def statistics(model):
    """What the layers of a wrapped model keep beside what is trained, now.

    Such as moving means, but no states of seeds, and not what is frozen.

    Returns:
        List of pairs, a variable and its value.
    """
    frozen = frozen_weights(model.model)
    kept = model.model.non_trainable_weights
    return [(x, ops.copy(x.value)) for x in kept if id(x) not in frozen]


def restore(model, before, sound):
    """Puts `statistics` back, unless the loss is sound, a scalar.

    A number that is not finite would stay in a moving mean. Replicas put them
    back together, or none does.
    """
    import tensorflow as tf

    if not before:
        return
    if optimizers_meet() or model.jit_compile:
        sound = everywhere(sound)
        for variable, value in before:
            variable.assign(ops.where(sound, variable.value, value))
        return

    def back():
        for variable, value in before:
            variable.assign(value)
        return ops.zeros(())

    tf.cond(sound, lambda: ops.zeros(()), back)


def _apply_or_restore(optimizer, gradients, weights, sound):
    gradients = [_or_zero(x, sound) for x in gradients]
    slots = [x for x in optimizer.variables if len(x.shape)]
    # Without slots, such as momentum, a gradient of zero moves no weight.
    kept = [*slots, *weights] if slots else []
    kept = [optimizer.iterations, *kept] if replicas() == 1 else []
    before = [ops.copy(x.value) for x in kept]
    optimizer.apply(gradients, weights)
    for variable, value in zip(kept, before, strict=True):
        variable.assign(ops.where(sound, variable.value, value))


def _or_zero(gradient, sound):
    if gradient is None:
        return None
    return ops.where(sound, gradient, ops.zeros_like(gradient))
