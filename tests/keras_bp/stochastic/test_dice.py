"""Derivatives of first and second order, against enumeration."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from stochastic_graphs import (
    chain,
    diamond,
    expected,
    slope,
    squared,
    toy,
    z_scores,
)

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.stochastic import dice, dice_terms
from keras_bp.training import SurrogateModel

NUMBER = 100_000
GRAPHS = {
    "toy": (
        toy,
        [0.3],
        lambda bits: np.zeros(1),
        lambda bits: (bits[0] - 0.45) ** 2,
    ),
    "diamond": (
        diamond,
        [0.2, -0.4, 0.1],
        lambda bits: np.array([0.0, 2 * bits[0] - 1, 2 * bits[0] - 1]),
        lambda bits: (bits[1] - 0.45) ** 2 + (bits[1] + bits[2] - 0.9) ** 2,
    ),
    "chain": (
        chain,
        [0.0] * 5,
        lambda bits: np.array([0.0, *(2 * x - 1 for x in bits[:-1])]),
        lambda bits: sum((x - 0.45) ** 2 for x in bits),
    ),
}


def derivatives(model, offsets, change=lambda terms: terms, baselines=None):
    """One estimate of gradient and Hessian for each example."""
    x = tf.tile(tf.constant([offsets], "float32"), [NUMBER, 1])

    @tf.function
    def run(x):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                terms = change(dice_terms(model, x))
                given = terms.baselines(baselines or {})
                value = dice(terms.log_probs, terms.costs, given)
            once = inner.gradient(value, x)
            columns = [once[:, i] for i in range(len(offsets))]
        # Each example has its own offsets: rows do not mix.
        twice = [
            outer.gradient(column, x, unconnected_gradients="zero")
            for column in columns
        ]
        return value, once, tf.stack(twice, axis=1)

    return [np.asarray(each, "float64") for each in run(x)]


def exact(name):
    _, offsets, logits, cost = GRAPHS[name]

    def value(o):
        return expected(o, logits, cost)

    def gradient(o):
        return slope(value, o, 1e-4)

    return gradient(np.array(offsets)), slope(gradient, offsets, 1e-3)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("baseline", [False, True])
def test_two_orders_are_unbiased(name, baseline):
    build, offsets, _, _ = GRAPHS[name]
    model = build("score")
    baselines = {f"x{i}": 0.25 + 0.1 * i for i in range(len(offsets))}
    _, once, twice = derivatives(
        model, offsets, baselines=baselines if baseline else None
    )
    first, second = exact(name)
    assert np.abs(z_scores(once, first)).max() < 4.5
    assert np.abs(z_scores(twice, second)).max() < 4.5


def test_the_value_is_the_cost():
    model = diamond("score")
    value, _, _ = derivatives(model, [0.0] * 3)
    np.testing.assert_allclose(value.mean(), 0.869276134, rtol=0.01)


def test_baselines_lower_the_variance_of_both_orders():
    model = toy("score")
    _, once, twice = derivatives(model, [0.3])
    _, less, less_twice = derivatives(model, [0.3], baselines={"x0": 0.25})
    assert less.var() < 0.1 * once.var()
    assert less_twice.var() < 0.5 * twice.var()


def test_a_node_left_out_is_seen():
    def without(terms):
        costs = [
            (cost, [name for name in names if name != "x0"])
            for cost, names in terms.costs
        ]
        return type(terms)(terms.log_probs, costs, terms.above)

    _, once, twice = derivatives(diamond("score"), [0.2, -0.4, 0.1], without)
    first, second = exact("diamond")
    assert np.abs(z_scores(once, first)).max() > 10
    assert np.abs(z_scores(twice, second)).max() > 10


def test_a_path_is_differentiated_as_it_stands():
    loc = keras.Input((1,))
    node = StochasticNode("normal", seed=1)
    z = node([loc, keras.ops.ones_like(loc)])
    model = SurrogateModel(loc, CostNode(squared(0.0))(z))
    model.compile("sgd")
    _, once, twice = derivatives(model, [0.7])
    # E z^2 = m^2 + 1.
    assert np.abs(z_scores(once, [1.4])).max() < 4.5
    np.testing.assert_allclose(twice, 2.0, rtol=1e-5)


def test_several_samples_are_rows():
    model = toy("rloo", samples=3)
    terms = dice_terms(model, tf.zeros((4, 1)))
    assert dice(terms.log_probs, terms.costs).shape == (12,)


def test_wrong_arguments_are_refused():
    one = tf.zeros((2,))
    with pytest.raises(ValueError, match="expects `costs`"):
        dice({"x": one}, [])
    with pytest.raises(ValueError, match="to be in `log_probs`"):
        dice({"x": one}, [(one, ["y"])])
    with pytest.raises(TypeError, match="list of names"):
        dice({"x": one}, [(one, "x")])
    with pytest.raises(ValueError, match="without the node"):
        dice({"x": one}, [(one, ["x"])], {"x": (0.5, ["x"])})
    with pytest.raises(ValueError, match="biased already once"):
        dice_terms(toy("gumbel"), tf.zeros((2, 1)))
    with pytest.raises(TypeError, match="expects a keras_bp.training"):
        dice_terms(keras.Model(), tf.zeros((2, 1)))
