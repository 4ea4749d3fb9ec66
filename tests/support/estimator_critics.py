"""Checks of the estimators that train a control variate."""

import keras
import numpy as np
import tensorflow as tf
from estimator_toys import node_of, z_scores


def in_float64(make):
    """What a function makes under the policy float64."""
    keras.config.set_dtype_policy("float64")
    try:
        return make()
    finally:
        keras.config.set_dtype_policy("float32")


def check_critic(toy, estimator, weights, number=4000, step=1e-4):
    """What trains the critic is the gradient of the measured E[g^2].

    In float64, by central differences with common noise; the sum of squares
    over parameters, averaged over the estimates of all cases.
    """
    model = in_float64(lambda: toy.model(estimator))
    node = node_of(model)
    x = tf.constant(np.repeat(toy.cases, number, axis=0))
    state = node.seed_generator.state.numpy()
    critic = node.critic.weights

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            surrogate = model.surrogate(x).surrogate
        return tape.gradient(surrogate, [x, [w.value for w in critic]])

    def measured(values):
        for weight, value in zip(critic, values, strict=True):
            weight.assign(value)
        node.seed_generator.state.assign(state)
        estimates, gradients = run()
        params = toy.exact.shape[-1]
        square = (len(x) * estimates.numpy()[:, :params]) ** 2
        return square.sum(axis=-1).mean(), gradients

    assert len(critic) == len(weights)
    _, found = measured(weights)
    for index, weight in enumerate(weights):
        direction = np.cos(1.0 + np.arange(np.size(weight)))
        direction = direction.reshape(np.shape(weight))

        def at(amount, index=index, direction=direction):
            moved = list(weights)
            moved[index] = moved[index] + amount * direction
            return measured(moved)[0]

        slope = (at(step) - at(-step)) / (2 * step)
        along = np.sum(np.asarray(found[index]) * direction)
        assert abs(slope) > 1e-6
        np.testing.assert_allclose(along, slope, rtol=1e-5)


def network_weights(features, units=10):
    """A kernel, a bias and an output, none of them zero."""
    rng = np.random.default_rng(3)
    shapes = [(features, units), (units,), (units,)]
    return [rng.normal(scale=0.5, size=shape) for shape in shapes]


def check_with_critic(toy, estimator, weights, **arguments):
    """Checks that it is unbiased at these weights of the critic."""
    model = toy.model(estimator, **arguments)
    node = node_of(model)
    for weight, value in zip(node.critic.weights, weights, strict=True):
        weight.assign(value)
    found = toy.estimates(model)
    assert np.abs(z_scores(found, toy.exact)).max() < 4.5
    return found
