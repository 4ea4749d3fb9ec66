import numpy as np
import pytest
from estimator_toys import (
    BIT,
    ONE_HOT,
    TWO_CLASSES,
    VALUES,
    N,
    check_unbiased,
    sigmoid,
    variances,
)

from keras_bp.layers import StochasticNode

# The middles of the cells of a fine grid.
U = (np.arange(1_000_000) + 0.5) / 1_000_000
LOGISTIC = np.log(U) - np.log1p(-U)
# Bias at offset 2, and variances as in `variances`: tables of the estimator.
PUBLISHED = {
    0.1: (8.0e-3, [8.27e-2, 3.52e-2, 8.62e-2, 3.80e-2]),
    0.5: (3.4e-2, [1.39e-2, 6.64e-3, 1.42e-2, 7.36e-3]),
    1.0: (4.2e-2, [4.76e-3, 2.30e-3, 4.82e-3, 2.42e-3]),
}


def relaxed_mean(offset, slope, temperature):
    y = sigmoid((offset - LOGISTIC) / temperature)
    return np.mean(slope(y) * y * (1 - y) / temperature)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_a_bit_has_the_mean_of_the_relaxed_cost(temperature):
    mean = [
        [relaxed_mean(offset, lambda y, t=t: 2 * (y - t), temperature)]
        for offset, t in BIT.cases
    ]
    bias, spread = PUBLISHED[temperature]
    assert (mean - BIT.exact)[1, 0] == pytest.approx(bias, rel=0.02)
    found = check_unbiased(BIT, "gumbel", exact=mean, temperature=temperature)
    np.testing.assert_allclose(variances(found), spread, rtol=0.05)


def test_two_classes_are_a_bit():
    mean = [
        relaxed_mean(a - b, lambda y: 4 * (2 * y - 1 - 0.3), 0.5)
        for a, b in TWO_CLASSES.cases
    ]
    mean = np.stack([mean, np.negative(mean)], axis=-1)
    check_unbiased(TWO_CLASSES, "gumbel", exact=mean, temperature=0.5)


def test_three_classes_have_the_mean_of_the_relaxed_cost():
    u = np.random.default_rng(0).uniform(size=(N, 3))
    w = VALUES[0]
    model = ONE_HOT.model("gumbel", temperature=0.7)
    found = ONE_HOT.estimates(model)
    for logits, estimates in zip(ONE_HOT.cases, found, strict=True):
        z = np.exp((logits - np.log(-np.log(u))) / 0.7)
        y = z / z.sum(axis=-1, keepdims=True)
        total = (y @ w)[:, None]
        other = 2 * (total - 0.3) * y * (w - total) / 0.7
        error = np.hypot(other.std(axis=0), estimates.std(axis=0)) / N**0.5
        apart = estimates.mean(axis=0) - other.mean(axis=0)
        assert (np.abs(apart) < 4.5 * error).all()


@pytest.mark.parametrize("kind", ["categorical", "normal"])
def test_it_is_for_bits_and_one_hot_vectors(kind):
    with pytest.raises(ValueError, match="no estimator 'gumbel'"):
        StochasticNode(kind, "gumbel")
    assert not StochasticNode(estimator="gumbel").unbiased
