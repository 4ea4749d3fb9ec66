import numpy as np
import pytest
from estimator_toys import BIT, TWO_CLASSES, check_unbiased, sigmoid

from keras_bp.layers import StochasticNode

# The middles of the cells of a fine grid.
U = (np.arange(1_000_000) + 0.5) / 1_000_000
LOGISTIC = np.log(U) - np.log1p(-U)


def mean_of(offset, slope, temperature):
    """The derivative of the relaxed sample, at the cost of the sample."""
    y = sigmoid((offset - LOGISTIC) / temperature)
    bit = sigmoid(offset) > U
    return np.mean(slope(bit) * y * (1 - y) / temperature)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_a_bit_has_the_mean_of_the_formula(temperature):
    mean = [
        [mean_of(offset, lambda b, t=t: 2 * (b - t), temperature)]
        for offset, t in BIT.cases
    ]
    check_unbiased(BIT, "st_gumbel", exact=mean, temperature=temperature)


def test_two_classes_are_a_bit():
    mean = [
        mean_of(a - b, lambda y: 4 * (2 * y - 1 - 0.3), 0.5)
        for a, b in TWO_CLASSES.cases
    ]
    mean = np.stack([mean, np.negative(mean)], axis=-1)
    check_unbiased(TWO_CLASSES, "st_gumbel", exact=mean, temperature=0.5)


@pytest.mark.parametrize("kind", ["categorical", "normal"])
def test_it_is_for_bits_and_one_hot_vectors(kind):
    with pytest.raises(ValueError, match="no estimator 'st_gumbel'"):
        StochasticNode(kind, "st_gumbel")
