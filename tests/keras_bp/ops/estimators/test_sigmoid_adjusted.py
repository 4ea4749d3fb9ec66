import numpy as np
import pytest
from estimator_toys import BIT, check_unbiased, sigmoid

from keras_bp.layers import StochasticNode

P, T = sigmoid(BIT.cases[:, :1]), BIT.cases[:, 1:]


def test_its_mean_and_variance_are_those_of_its_formula():
    # E[2 (b - t)] p (1 - p): too large by p (1 - p) (2 p - 1).
    mean = 2 * (P - T) * P * (1 - P)
    np.testing.assert_allclose(mean - BIT.exact, P * (1 - P) * (2 * P - 1))
    found = check_unbiased(BIT, "sigmoid_adjusted", exact=mean)
    expected = 4 * (P * (1 - P)) ** 3
    np.testing.assert_allclose(found.var(axis=1), expected, rtol=0.05)
    # As tables have it.
    np.testing.assert_allclose(expected[:2, 0], [6.25e-2, 4.63e-3], rtol=1e-3)


@pytest.mark.parametrize("kind", ["one_hot", "categorical", "normal"])
def test_it_is_for_bits(kind):
    with pytest.raises(ValueError, match="no estimator 'sigmoid_adjusted'"):
        StochasticNode(kind, "sigmoid_adjusted")
    assert not StochasticNode(estimator="sigmoid_adjusted").unbiased
