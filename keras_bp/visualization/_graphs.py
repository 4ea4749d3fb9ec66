"""Tensors and gradients in a graph that is traced for attribution."""

import keras

from keras_bp import _checks
from keras_bp._backend import check_tensorflow
from keras_bp.visualization._rules import FOLLOWED


def as_inputs_of(model, x, owner):
    """Inputs as tensors; integers as floats where the model takes floats."""
    _checks.check_arrays("x", x, owner=owner)
    arrays = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
    leaves = keras.tree.flatten(arrays)
    taken = getattr(model, "inputs", None) or ()
    if len(taken) != len(leaves):
        return arrays
    for leaf, one in zip(leaves, taken, strict=True):
        _check_batch(tuple(leaf.shape), tuple(one.shape), owner)
    cast = [
        keras.ops.cast(leaf, one.dtype)
        if leaf.dtype.is_integer and keras.backend.is_float_dtype(one.dtype)
        else leaf
        for leaf, one in zip(leaves, taken, strict=True)
    ]
    return keras.tree.pack_sequence_as(arrays, cast)


def _check_batch(shape, expected, owner):
    """Refuses one example, to which Keras would add an axis at its end."""
    if _fits(shape, expected[1:]) and not _fits((*shape, 1), expected):
        raise ValueError(
            f"{owner} expects a batch `x` of the shape {expected}. Received: "
            f"shape={shape}, which is one example; x[None] is a batch of it"
        )


def _fits(shape, expected):
    return len(shape) == len(expected) and all(
        known in (None, size)
        for size, known in zip(shape, expected, strict=True)
    )


def gradients(score, wanted):
    """Gradients, and the names of the operations that followed the rule."""
    import tensorflow as tf

    followed = set()
    token = FOLLOWED.set(followed)
    try:
        found = tf.gradients(score, wanted) if wanted else [None]
    finally:
        FOLLOWED.reset(token)
    return found, followed


def check_graphs(leaves, owner):
    check_tensorflow(owner, "whose graphs it reads")
    import tensorflow as tf

    if tf.config.functions_run_eagerly():
        raise RuntimeError(
            f"{owner} works on graphs: call "
            "tf.config.run_functions_eagerly(False) first"
        )
    if not tf.executing_eagerly() or any(
        not hasattr(x, "numpy") for x in leaves
    ):
        raise RuntimeError(
            f"{owner} traces a graph of its own, and expects arrays. "
            "Received: tensors of another graph; call it outside of "
            "`tf.function`"
        )


def is_float(tensor):
    return tensor.dtype.is_floating
