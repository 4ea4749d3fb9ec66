"""What a `ForwardForwardModel` is given, checked."""

import math

import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.training._forward_forward import GOODNESS, in_range, labels_of


def check_arguments(given, owner):
    """Raises unless the arguments beside the model are in range."""
    _checks.check_integer(
        "num_classes", given["num_classes"], minimum=2, owner=owner
    )
    for name, known in (
        ("goodness", GOODNESS),
        ("negatives", ("random", "hard")),
        ("label", ("overlay", "concatenate")),
        ("inference", ("goodness", "linear")),
    ):
        _checks.check_one_of(name, given[name], known, owner=owner)
    if given["threshold"] is not None:
        _checks.check_positive("threshold", given["threshold"], owner=owner)
    _checks.check_not_negative(
        "peer_normalization", given["peer_normalization"], owner=owner
    )
    if given["seed"] is not None:
        _checks.check_integer("seed", given["seed"], owner=owner)


def check_inputs(model, num_classes, label, owner):
    """Raises `ValueError` unless an input has room for a label."""
    shape = tuple(model.inputs[0].shape[1:])
    if label == "overlay":
        room, what = (None if None in shape else math.prod(shape)), "entries"
    else:
        room, what = (shape[-1] if shape else None), "features, labels included"
    if room is None or room <= num_classes:
        raise ValueError(
            f"{owner} expects an input of more than num_classes={num_classes} "
            f"{what}, with label={label!r}. Received: a model with inputs of "
            f"shape {shape}"
        )


def check_eager(labels, num_classes, owner):
    """Whether all labels are classes; raises where that can be seen now."""
    import tensorflow as tf

    sound = in_range(labels, num_classes)
    if tf.executing_eagerly() and not bool(sound):
        _refuse(ops.convert_to_numpy(labels), num_classes, owner)
    return sound


def check_arrays(y, num_classes, owner):
    """Raises `ValueError` unless arrays of labels are classes."""
    if not isinstance(y, np.ndarray):
        return
    if y.ndim > 2 or (y.ndim == 2 and y.shape[1] not in (1, num_classes)):
        raise ValueError(
            f"{owner} expects labels of shape (examples,) or (examples, 1), "
            f"or one-hot ones of shape (examples, {num_classes}), for "
            f"num_classes={num_classes}. Received: shape={y.shape}"
        )
    found = ops.convert_to_numpy(labels_of(y, num_classes))
    if len(found) and not (found.min() >= 0 and found.max() < num_classes):
        _refuse(found, num_classes, owner)


def _refuse(labels, num_classes, owner):
    raise ValueError(
        f"{owner} expects labels from 0 to num_classes - 1 = "
        f"{num_classes - 1}. Received: labels from {labels.min()} to "
        f"{labels.max()}"
    )


class CheckedLabels:
    """Methods of `keras.Model` that see labels before a graph does."""

    def fit(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.fit`, of labels that are classes."""
        check_arrays(y, self.num_classes, type(self).__name__)
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.evaluate`, of labels that are classes."""
        check_arrays(y, self.num_classes, type(self).__name__)
        return super().evaluate(x, y, *args, **kwargs)

    def train_on_batch(self, x, y=None, *args, **kwargs):
        """As `keras.Model.train_on_batch`, of labels that are classes."""
        check_arrays(y, self.num_classes, type(self).__name__)
        return super().train_on_batch(x, y, *args, **kwargs)
