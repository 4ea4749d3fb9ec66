"""The variance of estimates, against closed forms and NumPy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from stochastic_graphs import diamond, squared, toy
from weighted_graphs import ONE, weighted

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.stochastic import gradient_variance
from keras_bp.stochastic._moments import NUM_BLOCKS, gather_moments
from keras_bp.stochastic.gradient_variance import VarianceRow
from keras_bp.training import SurrogateModel


def test_the_variance_of_the_toy_is_the_closed_one():
    # f(b)^2 (b - p)^2 less the square of its mean, at p = 1 / 2, t = .45.
    model = weighted(toy("score"))
    report = gradient_variance(model, ONE, num_estimates=20_000, copies=2)
    assert report.num_estimates == 20_000
    np.testing.assert_allclose(report.total.variance, 0.015939, rtol=0.05)
    assert report.total.low < 0.015939 < report.total.high
    assert report.log_variance == math.log(report.total.variance)
    assert report.total.log_interval == (
        math.log(report.total.low),
        math.log(report.total.high),
    )


def test_all_variables_together_are_an_average_over_elements():
    x = keras.Input((2,))
    bits = StochasticNode("bernoulli", "score", seed=0)(
        keras.layers.Dense(3)(x)
    )
    model = SurrogateModel(x, CostNode(squared(0.5))(bits))
    model.compile("sgd")
    report = gradient_variance(model, np.ones((1, 2)), num_estimates=200)
    kernel, bias = report.rows
    assert (kernel.elements, bias.elements) == (6, 3)
    # With an input of ones each row of the kernel varies as the bias does.
    np.testing.assert_allclose(kernel.variance, bias.variance, rtol=1e-6)
    joint = (6 * kernel.variance + 3 * bias.variance) / 9
    np.testing.assert_allclose(report.total.variance, joint, rtol=1e-12)
    assert report.total.elements == 9


def test_a_batch_of_n_examples_varies_n_times_less():
    model = weighted(toy("score"))
    batch = np.ones((8, 1), "float32")
    one = gradient_variance(model, ONE, num_estimates=4000)
    eight = gradient_variance(model, batch, num_estimates=4000)
    copies = gradient_variance(model, batch, num_estimates=16_000, copies=4)
    for each in (eight, copies):
        ratio = one.total.variance / each.total.variance
        np.testing.assert_allclose(ratio, 8, rtol=0.15)


def test_parts_of_nodes_add_up():
    # Each offset belongs to one node, and has no other part.
    model = weighted(diamond("score"))
    report = gradient_variance(model, ONE, num_estimates=200, by_node=True)
    assert [row.name for row in report.nodes] == ["x0", "x1", "x2"]
    np.testing.assert_allclose(
        sum(row.variance for row in report.nodes),
        report.total.variance,
        rtol=1e-5,
    )
    assert report.nodes[0].variance > report.nodes[2].variance
    assert "part of x0" in str(report)
    assert gradient_variance(model, ONE, num_estimates=40).nodes == []


def test_no_variance_is_minus_infinity():
    report = gradient_variance(
        weighted(diamond("enumerate")), ONE, num_estimates=40
    )
    assert report.log_variance == -math.inf
    assert (report.total.low, report.total.high) == (0, 0)
    assert "-inf" in str(report)


def test_few_estimates_are_rounded_up():
    model = weighted(toy("score"))
    assert gradient_variance(model, ONE, num_estimates=2).num_estimates == 40
    found = gradient_variance(model, ONE, num_estimates=205, copies=5)
    assert found.num_estimates == 300


def test_the_moments_are_those_of_numpy():
    # A large mean, next to which the squares would drown.
    table = 1e6 + np.random.default_rng(0).normal(size=(60, 3))
    step = tf.Variable(0)

    def estimate():
        row = tf.gather(tf.constant(table), step)
        step.assign_add(1)
        return [row, row[0]]

    found = gather_moments(estimate, [(3,), ()], 59, copies=4)
    assert (found.count, found.num_estimates) == (60, 240)
    variance = table.var(axis=0, ddof=1)
    np.testing.assert_allclose(found.means[0], table.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.variances()[0], 4 * variance, rtol=1e-7)
    np.testing.assert_allclose(found.variances()[1], 4 * variance[0], rtol=1e-7)
    np.testing.assert_allclose(
        found.errors()[0], np.sqrt(variance / 60), rtol=1e-7
    )
    within = table.reshape(NUM_BLOCKS, 3, 3).var(axis=1, ddof=1).mean(axis=1)
    np.testing.assert_allclose(
        [block[0] for block in found.blocks], 4 * within, rtol=1e-7
    )


def test_intervals_hold_the_variance_as_often_as_they_say():
    generator = tf.random.Generator.from_seed(1)

    def estimate():
        u = generator.uniform((200,), dtype="float64")
        # Exponential: of variance 1, and with a long tail.
        return tf.unstack(-tf.math.log(1 - u))

    found = gather_moments(estimate, [()] * 200, 1000)
    low, high = np.array([found.interval([i], [1]) for i in range(200)]).T
    holds = np.mean((low < 1) & (high > 1))
    # 95 %, with a standard error of 1.5 %.
    assert 0.90 < holds < 0.99


def test_training_goes_on_as_if_it_had_not_been_taken():
    x = keras.Input((2,))
    bits = StochasticNode("bernoulli", "score", "moving_average", seed=3)(
        keras.layers.BatchNormalization()(keras.layers.Dense(3)(x))
    )
    model = SurrogateModel(x, CostNode(squared(0.5))(bits))
    model.compile("sgd")
    model.train_on_batch(np.ones((4, 2)))
    before = [ops.convert_to_numpy(v).copy() for v in model.variables]
    once = gradient_variance(model, np.ones((4, 2)), num_estimates=40, copies=1)
    again = gradient_variance(
        model, np.ones((4, 2)), num_estimates=40, copies=1
    )
    assert once == again
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


def test_wrong_models_and_arguments_are_refused():
    x = keras.Input((1,))
    plain = keras.Model(x, keras.layers.Dense(1)(x))
    with pytest.raises(TypeError, match="gradient_variance.*SurrogateModel"):
        gradient_variance(plain, ONE)
    model = weighted(toy("score"))
    with pytest.raises(TypeError, match="`num_estimates`.*2.5"):
        gradient_variance(model, ONE, num_estimates=2.5)


def test_a_variance_that_is_not_a_number_has_no_logarithm():
    row = VarianceRow("a", 1, math.nan, math.nan, math.nan)
    assert math.isnan(row.log_variance)
