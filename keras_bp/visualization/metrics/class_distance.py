"""How much maps of one class differ from those of another."""

import numpy as np

from keras_bp.visualization.metrics._pairs import flat_pair


def class_distance(first, second):
    r"""Distances of maps that are scaled to length one.

    .. math:: d = \left\| \frac{s_k}{\|s_k\|} - \frac{s_l}{\|s_l\|} \right\|

    0 for maps that do not depend on the class, :math:`\sqrt 2` for unrelated
    ones. A map of zeros has the direction zero.

    Args:
        first: Array `(examples, ...)`, maps of one class.
        second: Array of the same shape, maps of another class.

    Returns:
        Array `(examples,)`.

    Raises:
        ValueError: The shapes differ, or there are no examples.

    Example:

    >>> from keras_bp.visualization.metrics import class_distance
    >>> class_distance([[3.0, 0.0]], [[1.0, 0.0]]).tolist()
    [0.0]

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039.
    """
    pair = flat_pair(first, second, "class_distance")
    scaled = []
    for rows in pair:
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        scaled.append(rows / np.where(norms > 0, norms, 1.0))
    return np.linalg.norm(scaled[0] - scaled[1], axis=1)
