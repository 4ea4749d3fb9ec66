"""Pearson's correlation against NumPy."""

import numpy as np
import pytest

from keras_bp.visualization.metrics import recovery_correlation

RNG = np.random.default_rng(0)


def test_it_is_the_correlation_of_each_example():
    a, b = RNG.normal(size=(2, 4, 5, 5, 2)) + 3
    wanted = [
        np.corrcoef(x.ravel(), y.ravel())[0, 1]
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(recovery_correlation(a, b), wanted)


def test_an_image_recovers_itself_and_a_constant_nothing():
    x = RNG.normal(size=(2, 5, 5, 1))
    np.testing.assert_allclose(recovery_correlation(2 * x + 1, x), 1)
    np.testing.assert_array_equal(recovery_correlation(0 * x + 0.5, x), 0)
    with pytest.raises(ValueError, match="of one shape"):
        recovery_correlation(x, x[:1])
