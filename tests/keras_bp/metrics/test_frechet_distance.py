import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg, stats

from keras_bp.metrics import frechet_distance, gaussian_frechet_distance

RNG = np.random.default_rng(0)


def covariance(size, rank=None):
    factor = RNG.normal(size=(rank or 2 * size, size))
    return factor.T @ factor / len(factor)


def by_sqrtm(mean, a, other, b):
    root = linalg.sqrtm(a @ b).real
    return np.sum((mean - other) ** 2) + np.trace(a + b - 2 * root)


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_gaussians_are_as_far_as_by_the_root_of_the_product(size):
    gaussians = [
        part
        for _ in range(2)
        for part in (RNG.normal(size=size), covariance(size))
    ]
    np.testing.assert_allclose(
        gaussian_frechet_distance(*gaussians), by_sqrtm(*gaussians), rtol=1e-9
    )
    swapped = gaussian_frechet_distance(*gaussians[2:], *gaussians[:2])
    np.testing.assert_allclose(swapped, by_sqrtm(*gaussians), rtol=1e-9)


def test_covariances_that_commute_have_a_closed_form():
    turn = stats.ortho_group.rvs(5, random_state=0)
    s, t = RNG.random((2, 5))
    s[0] = 0
    a, b = ((turn * values**2) @ turn.T for values in (s, t))
    mean, other = RNG.normal(size=(2, 5))
    np.testing.assert_allclose(
        gaussian_frechet_distance(mean, a, other, b),
        np.sum((mean - other) ** 2) + np.sum((s - t) ** 2),
        rtol=1e-12,
    )


def test_equal_gaussians_are_at_zero_even_if_they_are_singular():
    for rank in (1, 3, 20):
        a = 1e4 * covariance(10, rank)
        found = gaussian_frechet_distance(np.zeros(10), a, np.zeros(10), a)
        assert 0 <= found < 1e-13 * np.trace(a)


def test_a_point_is_at_the_trace():
    a = covariance(6)
    zeros = np.zeros((6, 6))
    found = gaussian_frechet_distance(np.zeros(6), a, np.zeros(6), zeros)
    np.testing.assert_allclose(found, np.trace(a))


@pytest.mark.parametrize("count", [200, 5])
def test_sets_are_as_far_as_the_gaussians_fitted_to_them(count):
    # Fewer samples than features too.
    real = RNG.normal(size=(count, 8)) @ covariance(8)
    generated = RNG.normal(size=(count + 3, 8)) + 1
    expected = gaussian_frechet_distance(
        real.mean(axis=0),
        np.cov(real.T),
        generated.mean(axis=0),
        np.cov(generated.T),
    )
    found = frechet_distance(real, generated)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    again = frechet_distance(tf.constant(generated), real)
    np.testing.assert_allclose(again, expected, rtol=1e-9)


def test_one_feature_has_the_distance_of_its_moments():
    x, y = RNG.normal(size=(2, 50, 1)) * [[[2]], [[3]]]
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    np.testing.assert_allclose(frechet_distance(x, y), expected, rtol=1e-9)


def test_a_shift_far_from_zero_is_resolved():
    real = RNG.normal(size=(100, 4))
    found = frechet_distance(real + 1e6, real + 1e6 + 0.5)
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)


def test_single_precision_features_are_summed_in_double():
    real = RNG.normal(size=(2000, 3)).astype("float32")
    np.testing.assert_allclose(
        frechet_distance(real + 1000, real + 1000), 0, atol=1e-9
    )


def test_wrong_arguments_raise():
    good = RNG.normal(size=(9, 3))
    with pytest.raises(ValueError, match=r"`real` of shape \(samples, feature"):
        frechet_distance(good[0], good)
    with pytest.raises(ValueError, match="`generated` to hold 2 samples or m"):
        frechet_distance(good, good[:1])
    with pytest.raises(ValueError, match="the same number of features"):
        frechet_distance(good, good[:, :2])
    with pytest.raises(ValueError, match="`real` to be finite. Received: 27"):
        frechet_distance(good * np.nan, good)
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match="finite in"),
    ):
        frechet_distance(good, good * [1e200, 0, 0] + [1e200, 0, 0])
    mean, a = np.zeros(2), np.eye(2)
    for arguments in ((mean, a, mean, np.eye(3)), (mean, a, np.zeros(3), a)):
        with pytest.raises(ValueError, match="covariances of shape"):
            gaussian_frechet_distance(*arguments)
    for wrong in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.1], [0.0, 1.0]]):
        with pytest.raises(ValueError, match="`other_covariance` to be symm"):
            gaussian_frechet_distance(mean, a, mean, wrong)
    with pytest.raises(ValueError, match="`mean` to be finite"):
        gaussian_frechet_distance([np.inf, 0], a, mean, a)
