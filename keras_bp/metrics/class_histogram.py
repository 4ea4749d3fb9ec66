"""Which classes samples fall into."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import probabilities_of


def class_histogram(probabilities):
    r"""Counts the samples of which each class is the most probable.

    :math:`h_c = |\{i: c = \arg\max_k p_{ik}\}|`, the first one of equal ones.

    Args:
        probabilities: Float array of shape `(samples, classes)`, zero or
            greater, of rows that add up to 1.

    Returns:
        Integer array of shape `(classes,)`.

    Raises:
        TypeError: `probabilities` holds no real numbers.
        ValueError: `probabilities` is of another shape, empty, or holds no
            probabilities.

    Example:

    >>> from keras_bp.metrics import class_histogram
    >>> print(class_histogram([[0.9, 0.1, 0.0], [0.2, 0.0, 0.8], [1, 0, 0]]))
    [2 0 1]
    """
    found = probabilities_of(probabilities, owner="class_histogram")
    return np.bincount(found.argmax(axis=1), minlength=found.shape[1])


def classes_hit(probabilities, minimum=1):
    r"""Number of classes that enough samples fall into.

    :math:`|\{c: h_c \ge m\}|`, with the counts of `class_histogram`: few of
    them mean that a generator has collapsed.

    Args:
        probabilities: Float array of shape `(samples, classes)`, zero or
            greater, of rows that add up to 1.
        minimum: Positive integer :math:`m`. Defaults to `1`.

    Returns:
        Integer from 0 to `classes`.

    Raises:
        TypeError: `probabilities` holds no real numbers, or `minimum` is no
            integer.
        ValueError: `probabilities` is of another shape, empty, or holds no
            probabilities, or `minimum` is not positive.

    Example:

    >>> from keras_bp.metrics import classes_hit
    >>> classes_hit([[0.9, 0.1, 0.0], [0.2, 0.0, 0.8], [1.0, 0.0, 0.0]])
    2
    """
    _checks.check_integer("minimum", minimum, minimum=1, owner="classes_hit")
    found = probabilities_of(probabilities, owner="classes_hit")
    counts = np.bincount(found.argmax(axis=1))
    return int(np.count_nonzero(counts >= minimum))
