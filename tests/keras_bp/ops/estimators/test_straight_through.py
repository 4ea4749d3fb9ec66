import numpy as np
import pytest
import tensorflow as tf
from estimator_toys import BIT, ONE_HOT, VALUES, check_unbiased, sigmoid

from keras_bp.layers import StochasticNode


def test_a_bit_has_the_derivative_one():
    p, t = sigmoid(BIT.cases[:, :1]), BIT.cases[:, 1:]
    found = check_unbiased(BIT, "straight_through", exact=2 * (p - t))
    np.testing.assert_allclose(found.var(axis=1), 4 * p * (1 - p), rtol=0.05)


def softmax(x):
    p = np.exp(x)
    return p / p.sum(axis=-1, keepdims=True)


def test_a_one_hot_vector_has_the_derivative_of_the_softmax():
    w = VALUES[0]
    expected = []
    for p in softmax(ONE_HOT.cases):
        jacobian = np.diag(p) - np.outer(p, p)
        slope = sum(pk * 2 * (wk - 0.3) for pk, wk in zip(p, w, strict=True))
        expected.append(slope * jacobian @ w)
    check_unbiased(ONE_HOT, "straight_through", exact=np.array(expected))


@pytest.mark.parametrize(
    "estimator", ["straight_through", "st_gumbel", "reinmax"]
)
@pytest.mark.parametrize("kind", ["bernoulli", "one_hot"])
def test_the_output_is_the_sample_to_the_last_bit(kind, estimator):
    node = StochasticNode(kind, estimator, temperature=0.3, seed=1)
    y = node(tf.random.stateless_normal((1000, 7), [1, 2]), training=True)
    assert set(np.unique(y)) == {0.0, 1.0}
    if kind == "one_hot":
        np.testing.assert_array_equal(tf.reduce_sum(y, axis=-1), 1)


@pytest.mark.parametrize("kind", ["categorical", "normal"])
def test_it_is_for_bits_and_one_hot_vectors(kind):
    with pytest.raises(ValueError, match="no estimator 'straight_through'"):
        StochasticNode(kind, "straight_through")
