"""Functions of a model and a batch in a graph, and what is in time there."""

import keras
from keras import ops


def weights_scope(weights):
    """A scope in which nothing that a layer or a seed keeps changes.

    A scope that does not know the weights has no penalties of them.
    """
    return keras.StatelessScope(
        [(w, w.value) for w in weights], collect_losses=True
    )


def forget(model):
    """Forgets what `traced` has made, for a new `compile`."""
    object.__setattr__(model, "_traced_graphs", None)


def traced(model, name, compute):
    """A graph of a function of a batch, traced once for a `compile`.

    Args:
        model: `keras.Model`, compiled.
        name: String, of the function.
        compute: Function of `x, y, sample_weight`.

    Returns:
        Function of arrays `x, y, sample_weight`.
    """
    import tensorflow as tf

    if not model.compiled:
        raise ValueError(
            f"{type(model).__name__} expects `compile` before its gradients "
            "are asked for, which come from the loss. Received: a model that "
            "is not compiled"
        )
    key = model.optimizer, tuple(id(w) for w in model.trainable_variables)
    graphs = getattr(model, "_traced_graphs", None)
    if graphs is None or graphs[0] != key:
        graphs = key, {}
        # Keras would look for layers in an attribute.
        object.__setattr__(model, "_traced_graphs", graphs)
    if name not in graphs[1]:
        graphs[1][name] = tf.function(compute, autograph=False)

    def call(x, y, sample_weight):
        given = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
        return graphs[1][name](*given, sample_weight)

    return call


def unscaled(gradient, scale):
    """A gradient by a scalar, in its own type, or None."""
    if gradient is None:
        return None
    gradient = ops.convert_to_tensor(gradient)
    return gradient / ops.cast(scale, gradient.dtype)


def settled(gradients):
    """Gradients, of which none is applied before all are computed.

    A rule reads weights in other places than where they are differentiated: as
    feedback, or in a decoder. TensorFlow's graphs should write a variable
    after it was read, but optimizers of Keras pass all gradients through one
    operation, which is then optimized away, and with it the order of reading
    and writing. Some layers would see weights of the next step.

    Args:
        gradients: List of tensors, slices, or None.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        return gradients
    parts = tf.nest.flatten(gradients, expand_composites=True)
    with tf.control_dependencies([x for x in parts if x is not None]):
        parts = [None if x is None else tf.identity(x) for x in parts]
    return tf.nest.pack_sequence_as(gradients, parts, expand_composites=True)
