import keras
import numpy as np
import pytest
from estimator_toys import (
    BIT,
    TOYS,
    check_unbiased,
    gradient_of,
    node_of,
    variances,
)

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

# Closed forms: for t = .499 at offsets 0 and 2, then for t = .45.
VARIANCES = [1.5625e-2, 4.9268e-2, 1.5625e-2, 4.9268e-2]


@pytest.mark.parametrize(
    "name", ["bit", "bits", "one_hot", "one_hots", "normal", "mvn_diag"]
)
def test_it_is_unbiased(name):
    found = check_unbiased(TOYS[name], "muprop")
    if name == "bit":
        np.testing.assert_allclose(variances(found), VARIANCES, rtol=0.05)


@pytest.mark.parametrize("baseline", ["moving_average", "learned"])
def test_a_baseline_is_subtracted_and_leaves_it_unbiased(baseline):
    model = BIT.model("muprop", baseline=baseline)
    node = node_of(model)
    # What is left of (b - t)^2 beside the tangent is (b - p)^2.
    node.baseline_state.mean.assign(0.25)
    node.baseline_state.share.assign(1.0)
    found = BIT.estimates(model)
    error = found.std(axis=1) / np.sqrt(found.shape[1])
    assert np.all(np.abs(found.mean(axis=1) - BIT.exact) < 4.5 * error + 1e-6)
    # At p = 1/2 that is the baseline: nothing is left.
    assert found[0].std() < 1e-6


def test_a_linear_cost_leaves_no_variance():
    x = keras.Input((3,))
    bits = StochasticNode("bernoulli", "muprop", seed=1)(x)
    cost = CostNode(lambda b: 2 * b[:, 0] - b[:, 1] + 0.5 * b[:, 2])(bits)
    model = SurrogateModel(x, cost)
    model.compile("sgd")
    logits = np.repeat([[0.3, -1.0, 2.0]], 100, axis=0).astype("float32")
    p = 1 / (1 + np.exp(-logits))
    found = gradient_of(model)(keras.ops.convert_to_tensor(logits)).numpy()
    expected = p * (1 - p) * [2, -1, 0.5]
    np.testing.assert_allclose(100 * found, expected, atol=1e-6)


def test_class_numbers_have_no_mean():
    with pytest.raises(ValueError, match="no mean, use 'one_hot'"):
        StochasticNode("categorical", "muprop")


def test_class_numbers_below_are_refused():
    x = keras.Input((3,))
    bits = StochasticNode("bernoulli", "muprop", seed=1)(x)
    index = StochasticNode("categorical", "score", seed=2)(bits)
    cost = CostNode(lambda k: keras.ops.cast(k, "float32"))(index)
    model = SurrogateModel(x, cost)
    model.compile("sgd")
    with pytest.raises(ValueError, match="no mean. Use the distribution 'one"):
        model.surrogate(np.zeros((2, 3), "float32"))


def test_the_baseline_learns_what_the_tangent_leaves():
    node = StochasticNode("bernoulli", "muprop", baseline="moving_average")
    x = keras.Input((1,))
    cost = CostNode(lambda b: 10 + keras.ops.sum(b**2, axis=-1))(node(x))
    model = SurrogateModel(x, cost)
    model.compile("sgd")
    model.surrogate(keras.ops.zeros((4, 1)), update=True)
    # Of the cost, 10 or 11, it is (b - 1/2)^2.
    assert float(node.baseline_state(None)) == pytest.approx(0.25)
