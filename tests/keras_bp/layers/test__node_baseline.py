import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")


class Half(keras.layers.Layer):
    """Half the sum of the parameters, with a weight to train."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return 0.5 * self.factor * ops.sum(x, axis=-1, keepdims=True)


def squares(x):
    return ops.sum(ops.square(x - 0.3), axis=-1)


def observed(baseline, costs, params=None, estimator="score"):
    """A node that has seen batches of costs, and its parameters."""
    node = StochasticNode("bernoulli", estimator, baseline=baseline, seed=1)
    params = tf.zeros((2, 3)) if params is None else params
    node.build((None, 3))
    for cost in costs:
        found = node.distribution_of(params)
        before = node.baseline_state(found.params)
        value = found.sample(node.noise_of(found))
        cost = tf.constant(cost, "float32")
        node.baseline_state.observe(cost, found, value, before)
    return node, params


def test_the_moving_average_is_that_of_the_costs():
    costs = [[1.0, 3.0], [7.0, 5.0], [0.0, 1.0]]
    node, params = observed("moving_average", costs)
    weights = 0.99 ** np.array([2, 1, 0])
    expected = weights @ [2.0, 6.0, 0.5] / weights.sum()
    np.testing.assert_allclose(
        node.baseline_state([params]), expected, rtol=1e-5
    )
    node, params = observed("moving_average", [])
    assert float(node.baseline_state([params])) == 0.0
    node, params = observed("moving_average", [[2.0, 4.0]])
    np.testing.assert_allclose(node.baseline_state([params]), 3.0, rtol=1e-5)


def test_the_optimal_baseline_is_the_mean_weighted_with_squared_scores():
    params = tf.constant([[0.0, 1.0, -2.0], [0.5, -1.0, 2.0]])
    node = StochasticNode("bernoulli", "score", baseline="optimal", seed=1)
    node.build((None, 3))
    tops, bottoms = np.zeros(3), np.zeros(3)
    for cost in ([1.0, 3.0], [-2.0, 5.0]):
        found = node.distribution_of(params)
        value = found.sample(node.noise_of(found))
        square = (value.numpy() - tf.sigmoid(params).numpy()) ** 2
        node.baseline_state.observe(tf.constant(cost), found, value)
        tops = 0.99 * tops + 0.01 * np.mean(np.array(cost)[:, None] * square, 0)
        bottoms = 0.99 * bottoms + 0.01 * square.mean(axis=0)
    (own,) = node.baseline_state([params])
    np.testing.assert_allclose(own, [tops / bottoms], rtol=1e-5)


def test_a_learned_baseline_starts_as_the_moving_average():
    costs = [[1.0, 3.0], [7.0, 5.0]]
    node, params = observed("learned", costs)
    plain, _ = observed("moving_average", costs)
    np.testing.assert_allclose(
        node.baseline_state([params]),
        [float(plain.baseline_state([params]))] * 2,
        rtol=1e-5,
    )
    assert len(node.trainable_weights) == 4


@pytest.mark.parametrize("distribution", ["bernoulli", "normal"])
def test_a_learned_baseline_is_trained_by_its_squared_error(distribution):
    node = StochasticNode(distribution, "score", baseline="learned", seed=1)
    shape = (None, 3)
    node.build(shape if distribution == "bernoulli" else [shape, shape])
    x = tf.constant(X[:, :3])
    cost = tf.constant(X[:, 4] ** 2)
    inputs = x if distribution == "bernoulli" else [x, tf.exp(x)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        found = node.distribution_of(inputs)
        before = node.baseline_state(found.params)
        value = found.sample(node.noise_of(found))
        loss = node.baseline_state.observe(cost, found, value, before)
    np.testing.assert_allclose(loss, (cost - before) ** 2, rtol=1e-5)
    flat = inputs if isinstance(inputs, list) else [inputs]
    weights = [w.value for w in node.trainable_weights]
    along = tape.gradient(loss, [*flat, *weights])
    # It does not train what is above it; the last layer starts at zero.
    assert along[: len(flat)] == [None] * len(flat)
    assert np.abs(along[-1]).max() > 0


def test_a_learned_baseline_learns_the_cost():
    node = StochasticNode("bernoulli", "score", baseline="learned", seed=1)
    inputs = keras.Input((1,))
    # The cost does not depend on the bit, but on the logit.
    cost = CostNode(lambda b, x: 3 * x[:, 0] ** 2)([node(inputs), inputs])
    model = SurrogateModel(inputs, cost)
    model.compile(keras.optimizers.Adam(0.02))
    x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    model.fit(np.tile(x, (150, 1)), batch_size=64, shuffle=False, verbose=0)
    guess = node.baseline_state([tf.constant(x)])
    assert np.abs(guess - 3 * x[:, 0] ** 2).mean() < 0.25


def test_a_layer_of_ones_own_is_added_to_the_moving_average():
    node, params = observed(
        Half(), [[2.0, 4.0]], tf.constant([[1.0, 2, 3]] * 2)
    )
    np.testing.assert_allclose(
        node.baseline_state([params]), [3.0 + 3.0] * 2, rtol=1e-5
    )
    assert [w.shape for w in node.trainable_weights] == [()]


@pytest.mark.parametrize("baseline", ["moving_average", "learned", "optimal"])
def test_a_fit_step_shows_the_baseline_the_costs(baseline):
    node = StochasticNode("bernoulli", "score", baseline=baseline, seed=1)
    inputs = keras.Input((6,))
    cost = CostNode(lambda x: 0 * x[:, 0] + 2.5)(node(inputs))
    model = SurrogateModel(inputs, cost)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(X, verbose=0)
    found = node.baseline_state([tf.zeros((1, 6))])
    found = found[0] if baseline == "optimal" else found
    np.testing.assert_allclose(found, np.full(np.shape(found), 2.5), rtol=1e-4)
    # And a step of evaluation does not.
    weights = [w.numpy() for w in node.weights]
    model.evaluate(X, verbose=0)
    for weight, before in zip(node.weights, weights, strict=True):
        np.testing.assert_array_equal(weight, before)


@pytest.mark.parametrize("baseline", ["moving_average", "learned"])
def test_the_score_is_weighed_with_the_cost_less_the_baseline(baseline):
    node = StochasticNode("bernoulli", "score", baseline=baseline, seed=1)
    inputs = keras.Input((6,))
    model = SurrogateModel(inputs, CostNode(squares)(node(inputs)))
    model.compile("sgd")
    node.baseline_state.mean.assign(4.0)
    node.baseline_state.share.assign(1.0)
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = model.surrogate(x)
    draw = found.run.draws[node.name]
    cost = squares(draw.value).numpy()
    expected = (cost - 4.0)[:, None] * (draw.value - tf.sigmoid(x))
    np.testing.assert_allclose(
        64 * tape.gradient(found.surrogate, x), expected, rtol=1e-4, atol=1e-5
    )
