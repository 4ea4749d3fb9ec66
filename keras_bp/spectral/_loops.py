"""Loops as graphs, wherever they are called."""

from keras_bp.spectral._tensorflow import tf


def compiled(function):
    """A function as a graph if it would run op by op, else as it is."""
    if not tf.executing_eagerly():
        return function
    return tf.function(function, autograph=False)


def all_finite(x):
    """Whether all of a tensor is finite, or None in a graph."""
    if not tf.executing_eagerly():
        return None
    return bool(tf.reduce_all(tf.math.is_finite(x)))


def all_positive(x):
    """Whether all of a tensor is above zero, or None in a graph."""
    if not tf.executing_eagerly():
        return None
    return bool(tf.reduce_all(x > 0))
