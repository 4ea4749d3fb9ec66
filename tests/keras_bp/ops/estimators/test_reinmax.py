import numpy as np
import pytest
from estimator_toys import (
    BIT,
    BITS,
    ONE_HOT,
    ONE_HOTS,
    WEIGHTS,
    check_unbiased,
    sigmoid,
    states_of,
)

from keras_bp.layers import StochasticNode


def test_a_quadratic_of_a_bit_is_exact_on_average():
    found = check_unbiased(BIT, "reinmax")
    p, t = sigmoid(BIT.cases[:, :1]), BIT.cases[:, 1:]
    square = p * ((1 - t) * (1 - p)) ** 2 + (1 - p) * (t * p) ** 2
    np.testing.assert_allclose(
        found.var(axis=1), square - BIT.exact**2, rtol=0.05, atol=1e-12
    )


@pytest.mark.parametrize("toy", [ONE_HOT, ONE_HOTS])
def test_a_quadratic_of_one_hot_vectors_is_exact_on_average(toy):
    check_unbiased(toy, "reinmax")


def test_a_cubic_has_the_bias_of_the_trapezoid():
    mean = np.zeros(BITS.exact.shape)
    for row, logits in enumerate(BITS.cases):
        p = sigmoid(logits)
        for bits in states_of(3):
            slope = 3 * (bits @ WEIGHTS - 0.3) ** 2 * WEIGHTS
            share = np.prod(np.where(bits, p, 1 - p))
            mean[row] += share * slope * np.abs(bits - p) / 2
    check_unbiased(BITS, "reinmax", exact=mean)
    assert np.abs(mean - BITS.exact).max() > 0.01
    assert not StochasticNode(estimator="reinmax").unbiased


@pytest.mark.parametrize("kind", ["categorical", "normal"])
def test_it_is_for_bits_and_one_hot_vectors(kind):
    with pytest.raises(ValueError, match="no estimator 'reinmax'"):
        StochasticNode(kind, "reinmax")
