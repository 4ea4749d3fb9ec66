import numpy as np
import pytest
from estimator_toys import BIT, check_unbiased, sigmoid

from keras_bp.layers import StochasticNode

# The weight of the gradient at a logit.
WEIGHTS = {
    "arctan": lambda z: 1 / (1 + (np.pi * z) ** 2),
    "clipped": lambda z: 1.0 * (abs(z) <= 1),
    "swish": lambda z: (
        5 * (1 - 2.5 * z * np.tanh(2.5 * z)) / (1 + np.cosh(5 * z))
    ),
    "triangular": lambda z: np.maximum(0, 1 - abs(z)),
}


@pytest.mark.parametrize("rule", WEIGHTS)
def test_the_gradient_has_the_weight_of_the_rule(rule):
    p, t = sigmoid(BIT.cases[:, :1]), BIT.cases[:, 1:]
    weight = WEIGHTS[rule](BIT.cases[:, :1])
    found = check_unbiased(BIT, rule, number=20_000, exact=2 * (p - t) * weight)
    at_one = np.unique(found[0].round(6))
    np.testing.assert_allclose(
        at_one, weight[0] * (2 * np.array([0, 1]) - 2 * t[0]), atol=1e-5
    )


@pytest.mark.parametrize("rule", WEIGHTS)
def test_they_are_for_bits(rule):
    node = StochasticNode(estimator=rule)
    assert node.is_local and not node.unbiased
    with pytest.raises(ValueError, match=f"no estimator '{rule}'"):
        StochasticNode("one_hot", rule)
