"""What replicas of `tf.distribute` tell each other.

Where there is one, and outside the steps of replicas, all of it changes
nothing. None of it works inside a loop or a branch of a graph, which replicas
run by themselves.
"""

import keras
from keras import ops


def replicas():
    """Integer, how many step together."""
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def optimizers_meet():
    """Whether optimizers wait for other replicas, if only in principle.

    They cannot do so inside a loop or a branch of a graph. TensorFlow's
    strategies for several devices do it for a single one too.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync > 1:
        return True
    return (
        tf.distribute.has_strategy()
        and not tf.executing_eagerly()
        and not isinstance(strategy, tf.distribute.OneDeviceStrategy)
    )


def _several():
    """The context of a replica among others, or None."""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


def in_step():
    """How many replicas step together, and which of them this one is.

    The second is an integer or a scalar tensor. None outside such a step.
    """
    context = _several()
    if context is None:
        return None
    return context.num_replicas_in_sync, context.replica_id_in_sync_group


def _own(x):
    """A tensor that is no other replica's, who would share it with this one.

    TensorFlow takes one object for one value, and gathers it once.
    """
    import tensorflow as tf

    return tf.identity(x)


def gathered(structure):
    """Tensors of all replicas, joined along their first axis, in order.

    Args:
        structure: Structure of tensors `(examples, ...)`, or None.
    """
    context = _several()
    if context is None:
        return structure

    import tensorflow as tf

    def of_all(x):
        if x is None:
            return None
        found = context.all_gather(_own(x), axis=0)
        count = x.shape[0]
        if count is not None:
            # Replicas whose number of examples is known before have the same.
            count *= context.num_replicas_in_sync
        # Of several workers, TensorFlow forgets even the other axes.
        known = None if tf.executing_eagerly() else count
        return tf.ensure_shape(found, (known, *x.shape[1:]))

    return keras.tree.map_structure(of_all, structure)


def summed(x):
    """The sum of a tensor over replicas."""
    context = _several()
    return x if context is None else context.all_reduce("SUM", _own(x))


def share(x):
    """The part of what all replicas have alike that is one's own in a sum."""
    context = _several()
    return x if context is None else x / context.num_replicas_in_sync


def everywhere(condition):
    """Whether a scalar condition holds on every replica."""
    return summed(ops.cast(ops.logical_not(condition), "float32")) < 0.5
