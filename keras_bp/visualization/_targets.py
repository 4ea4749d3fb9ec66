"""What is attributed: entries of an output, as one number for each example."""

import numbers

import keras
import numpy as np

from keras_bp import _checks

NAMED = ("max", "random")


def check_target(target, owner):
    """Raises unless a target is of a known kind."""
    if isinstance(target, str):
        _checks.check_one_of("target", target, NAMED, owner=owner)
    elif not (
        target is None
        or callable(target)
        or isinstance(target, (numbers.Integral, tuple, list, np.ndarray))
        or keras.ops.is_tensor(target)
    ):
        raise TypeError(
            f"{owner} expects `target` to be an index, a tuple or array of "
            "them, 'max', 'random', a function of the outputs, or None. "
            f"Received: target={target!r}"
        )


def kind_of(target):
    """What the graph has to know of a target."""
    if target is None or callable(target):
        return target
    if isinstance(target, str) and target == "max":
        return "max"
    # The classes of a random target are drawn outside.
    return "entry" if isinstance(target, tuple) else "class"


def indices(target, shape, examples, seed, owner):
    """Array that names entries for each example, or None.

    Args:
        target: As `Attributor` takes it.
        shape: Tuple of the outputs, the batch first.
        examples: Integer, their number.
        seed: Integer or None, of `"random"`.
        owner: String, for messages.
    """
    if kind_of(target) not in ("class", "entry"):
        return None
    classes = shape[-1]
    if isinstance(target, str):
        return np.random.default_rng(seed).integers(classes, size=examples)
    if isinstance(target, tuple):
        if len(target) != len(shape) - 1:
            raise ValueError(
                f"{owner} expects a tuple as `target` to have an index for "
                f"each axis of an output of the shape {tuple(shape[1:])}. "
                f"Received: target={target}"
            )
        for index, size in zip(target, shape[1:], strict=True):
            _check_range(np.asarray(index), size, target, owner)
        return np.tile(np.asarray(target), (examples, 1))
    found = np.asarray(target)
    if not np.issubdtype(found.dtype, np.integer) or found.ndim > 1:
        raise ValueError(
            f"{owner} expects `target` to be an integer, or one for each "
            f"example. Received: target of the shape {found.shape} and dtype "
            f"{found.dtype}"
        )
    if found.ndim and len(found) != examples:
        raise ValueError(
            f"{owner} expects one `target` for each of {examples} examples. "
            f"Received: {len(found)}"
        )
    _check_range(found, classes, target, owner)
    return np.broadcast_to(found, (examples,))


def _check_range(index, size, target, owner):
    if size is not None and not np.all((index >= -size) & (index < size)):
        raise ValueError(
            f"{owner} expects indices of `target` in [-{size}, {size}). "
            f"Received: target={target}"
        )


def scores(outputs, kind, index):
    """One number for each example, whose gradient is wanted.

    Args:
        outputs: Tensor `(batch, ...)`.
        kind: Of `kind_of`.
        index: Integer tensor of `indices`, or None.
    """
    import tensorflow as tf

    if callable(kind):
        return kind(outputs)
    rank = outputs.shape.rank
    if kind is None:
        return tf.reduce_sum(outputs, tuple(range(1, rank)))
    if kind == "entry":
        sizes = tf.cast(tf.shape(outputs)[1:], index.dtype)
        return tf.gather_nd(outputs, index % sizes, batch_dims=1)
    if kind == "max":
        found = tf.reduce_max(outputs, axis=-1)
    else:
        classes = tf.cast(tf.shape(outputs)[-1], index.dtype)
        chosen = tf.one_hot(index % classes, tf.shape(outputs)[-1])
        for _ in range(rank - 2):
            chosen = tf.expand_dims(chosen, 1)
        found = tf.reduce_sum(outputs * tf.cast(chosen, outputs.dtype), -1)
    # Of dense outputs, a class at all positions.
    return tf.reduce_sum(found, tuple(range(1, rank - 1)))
