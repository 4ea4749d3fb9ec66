"""How well two sets of features cover each other."""

from typing import NamedTuple

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import features_of
from keras_bp.metrics.frechet_distance import check_same_features

# Entries of a matrix of distances at a time: what bounds the memory.
_CHUNK = 2**23
# Relative to the squared lengths of two vectors, what rounding may change in
# their squared distance: nearer than that is a tie.
_TIE = 1e-12


class PRDC(NamedTuple):
    """Precision, recall, density and coverage.

    Args:
        precision: Float in [0, 1], share of the generated samples that lie
            near a real one.
        recall: Float in [0, 1], share of the real samples that lie near a
            generated one.
        density: Float, zero or greater, about 1 for equal distributions.
        coverage: Float in [0, 1], share of the real samples with a generated
            one near.

    Example:

    >>> from keras_bp.metrics import PRDC
    >>> PRDC(precision=0.9, recall=0.8, density=1.0, coverage=0.7).recall
    0.8
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real, generated, num_neighbors=5):
    r"""Compares two sets of features by the neighborhoods of their samples.

    With the distance :math:`r_k(x)` from a sample to the :math:`k`-th nearest
    other one of its own set, real samples :math:`x_i`, :math:`i \le n`, and
    generated ones :math:`y_j`, :math:`j \le m`:

    - precision: :math:`\frac1m \sum_j 1[\exists i: |x_i - y_j| < r_k(x_i)]`,
    - recall: :math:`\frac1n \sum_i 1[\exists j: |x_i - y_j| < r_k(y_j)]`,
    - density: :math:`\frac1{km} \sum_{i,j} 1[|x_i - y_j| < r_k(x_i)]`,
    - coverage: :math:`\frac1n \sum_i 1[\exists j: |x_i - y_j| < r_k(x_i)]`.

    Balls are open, as in the code of Naeem et al.; Kynkäänniemi et al. close
    them, which differs for ties alone, such as copies. Distances are taken in
    float64, and not all at a time: the memory does not grow with the square
    of the samples, and the time does. Where a distance is less than a millionth
    of how far the two samples lie from the median, it is one of rounding, and
    counts as a tie.

    Args:
        real: Float array of shape `(samples, features)`.
        generated: Float array of shape `(other_samples, features)`.
        num_neighbors: Positive integer :math:`k`. Defaults to `5`.

    Returns:
        `PRDC`.

    Raises:
        TypeError: A set holds no real numbers, or `num_neighbors` is no
            integer.
        ValueError: A set is not of rank 2, has `num_neighbors` samples or
            fewer, or values that are not finite, or the features differ in
            number.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import precision_recall_density_coverage
    >>> real = np.arange(10.0)[:, None]
    >>> found = precision_recall_density_coverage(real, real[:5] + 0.25, 1)
    >>> found.precision, found.coverage
    (1.0, 0.6)

    Reference:
        Kynkäänniemi et al., 2019, https://arxiv.org/abs/1904.06991, equation
        2; Naeem et al., 2020, https://arxiv.org/abs/2002.09797, equations 4
        and 5.
    """
    owner = "precision_recall_density_coverage"
    _checks.check_integer(
        "num_neighbors", num_neighbors, minimum=1, owner=owner
    )
    real, generated = (
        features_of(name, features, owner=owner, minimum=num_neighbors + 1)
        for name, features in (("real", real), ("generated", generated))
    )
    check_same_features(real, generated, owner=owner)
    # By one of the values themselves: integers stay integers.
    center = np.sort(real, axis=0)[len(real) // 2]
    real, generated = real - center, generated - center
    real_radii = _radii(real, num_neighbors)
    generated_radii = _radii(generated, num_neighbors)
    precise = np.zeros(len(generated), bool)
    recalled = np.zeros(len(real), bool)
    inside = np.zeros(len(real), "int64")
    for start, squares in _squared_distances(real, generated, 1 + _TIE):
        rows = slice(start, start + len(squares))
        near = squares < real_radii[rows, None]
        precise |= near.any(axis=0)
        inside[rows] = np.count_nonzero(near, axis=1)
        recalled[rows] = (squares < generated_radii).any(axis=1)
    return PRDC(
        precision=float(precise.mean()),
        recall=float(recalled.mean()),
        density=float(inside.sum() / (num_neighbors * len(generated))),
        coverage=float(np.mean(inside > 0)),
    )


def _radii(samples, num_neighbors):
    """Squared distances to the nearest others, none too large by rounding."""
    radii = []
    for start, squares in _squared_distances(samples, samples, 1 - _TIE):
        rows = np.arange(len(squares))
        squares[rows, start + rows] = np.inf
        squares.partition(num_neighbors - 1, axis=1)
        radii.append(squares[:, num_neighbors - 1].copy())
    return np.concatenate(radii)


def _squared_distances(samples, others, factor):
    """Yields the first row and a part of the matrix of squared distances.

    The squared lengths in |x|^2 + |y|^2 - 2 x y are multiplied by `factor`.
    """
    lengths = factor * np.sum(others**2, axis=1)
    size = max(1, _CHUNK // len(others))
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        squares = (-2 * part) @ others.T
        squares += lengths
        squares += factor * np.sum(part**2, axis=1)[:, None]
        yield start, squares
