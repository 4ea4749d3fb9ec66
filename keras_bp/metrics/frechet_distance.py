"""The Fréchet distance of two sets of features."""

import numpy as np

from keras_bp.metrics._inputs import features_of, finite_of

# A covariance this far from symmetric or positive is an error, not rounding.
_TOLERANCE = 1e-6


def frechet_distance(real, generated):
    r"""Fréchet distance of Gaussians that are fitted to two sets of features.

    .. math::
        |\mu - \nu|^2 + \mathrm{tr}(A + B - 2 (A B)^{1/2})

    with the means and the unbiased covariances of both sets, in float64. With
    the features of the Inception network it is the FID. It is biased upwards
    for few samples: compare sets of one size, and look at the distance of two
    sets of real data.

    Args:
        real: Float array of shape `(samples, features)`.
        generated: Float array of shape `(other_samples, features)`.

    Returns:
        Float, zero or greater, in squared units of the features.

    Raises:
        TypeError: A set holds no real numbers.
        ValueError: A set is not of rank 2, holds fewer than two samples or
            values that are not finite, or the features differ in number.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import frechet_distance
    >>> real = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> round(frechet_distance(real, real + 3), 6)
    18.0

    Reference:
        Heusel et al., 2017, https://arxiv.org/abs/1706.08500, equation 6.
    """
    owner = "frechet_distance"
    sets = [
        features_of(name, features, owner=owner, minimum=2)
        for name, features in (("real", real), ("generated", generated))
    ]
    check_same_features(*sets, owner=owner)
    (mean, a), (other, b) = (
        (features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))
        for features in sets
    )
    for name, matrix in (("real", a), ("generated", b)):
        if not np.isfinite(matrix).all():
            raise ValueError(
                f"{owner} expects `{name}` to have a covariance that is finite "
                f"in float64. Received: {sets[0].max()} and {sets[1].max()} as "
                "the largest values"
            )
    return _distance(mean, _square_root(a), other, _square_root(b))


def gaussian_frechet_distance(mean, covariance, other_mean, other_covariance):
    r"""Fréchet distance of two Gaussians, the squared 2-Wasserstein distance.

    :math:`|\mu - \nu|^2 + \mathrm{tr}(A + B - 2 (A B)^{1/2})`. The trace of
    the square root is the sum of the singular values of
    :math:`A^{1/2} B^{1/2}`, and the square roots come from symmetric
    eigendecompositions: real and stable for singular covariances too.

    Args:
        mean: Float array :math:`\mu` of shape `(features,)`.
        covariance: Float array :math:`A` of shape `(features, features)`.
        other_mean: Float array :math:`\nu` of shape `(features,)`.
        other_covariance: Float array :math:`B` of shape
            `(features, features)`.

    Returns:
        Float, zero or greater.

    Raises:
        TypeError: An array holds no real numbers.
        ValueError: The shapes do not fit, a value is not finite, or a
            covariance is not symmetric and positive semidefinite.

    Example:

    >>> from keras_bp.metrics import gaussian_frechet_distance
    >>> round(gaussian_frechet_distance([0.0], [[4.0]], [1.0], [[9.0]]), 6)
    2.0

    Reference:
        Dowson and Landau, 1982, "The Fréchet distance between multivariate
        normal distributions", https://doi.org/10.1016/0047-259X(82)90077-X.
    """
    owner = "gaussian_frechet_distance"
    names = ("mean", "covariance", "other_mean", "other_covariance")
    values = (mean, covariance, other_mean, other_covariance)
    mean, a, other, b = (
        finite_of(name, value, owner=owner).astype("float64")
        for name, value in zip(names, values, strict=True)
    )
    size = mean.size
    shapes = [value.shape for value in (mean, a, other, b)]
    if shapes != [(size,), (size, size)] * 2 or size == 0:
        raise ValueError(
            f"{owner} expects means of shape (features,) and covariances of "
            f"shape (features, features). Received: shapes {shapes}"
        )
    for name, matrix in (("covariance", a), ("other_covariance", b)):
        _check_covariance(name, matrix, owner)
    return _distance(mean, _square_root(a), other, _square_root(b))


def check_same_features(real, generated, *, owner):
    """Raises `ValueError` unless both have as many columns."""
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"{owner} expects `real` and `generated` to have the same number "
            f"of features. Received: shapes {real.shape} and {generated.shape}"
        )


def _square_root(covariance):
    """A factor R with R^T R = A: the eigenvectors scaled by their roots."""
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T


def _distance(mean, root, other_mean, other_root):
    # Rotations from the left change no singular value, so that the factors
    # do as well as the symmetric square roots.
    shared = np.linalg.svd(root @ other_root.T, compute_uv=False).sum()
    spread = np.sum(root**2) + np.sum(other_root**2) - 2 * shared
    distance = np.sum((mean - other_mean) ** 2) + spread
    return float(max(0.0, distance))


def _check_covariance(name, matrix, owner):
    scale = _TOLERANCE * max(np.abs(matrix).max(), np.finfo("float64").tiny)
    symmetric = np.abs(matrix - matrix.T).max() <= scale
    if not symmetric or np.linalg.eigvalsh(matrix).min() < -scale:
        raise ValueError(
            f"{owner} expects `{name}` to be symmetric and positive "
            f"semidefinite. Received: {matrix if matrix.size < 10 else '...'}"
        )
