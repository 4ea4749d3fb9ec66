import keras
import numpy as np
import pytest
from estimator_critics import check_critic, check_with_critic
from estimator_toys import TOYS, check_unbiased

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

DISCRETE = ["bit", "bits", "one_hot", "one_hots"]


@pytest.mark.parametrize("name", DISCRETE)
def test_it_is_unbiased(name):
    check_unbiased(TOYS[name], "rebar", temperature=0.5)


@pytest.mark.parametrize("name", DISCRETE)
def test_it_is_unbiased_at_any_temperature_and_weight(name):
    check_with_critic(TOYS[name], "rebar", [np.log(0.3), 0.4])


def test_without_the_control_variate_it_is_the_score():
    toy = TOYS["bit"]
    found = check_with_critic(toy, "rebar", [0.0, 0.0])
    plain = toy.estimates(toy.model("score"))
    np.testing.assert_allclose(found.var(axis=1), plain.var(axis=1), rtol=0.05)


def test_it_lowers_the_variance_of_the_score():
    toy = TOYS["bits"]
    found = check_with_critic(toy, "rebar", [np.log(0.5), 0.9])
    plain = toy.estimates(toy.model("score"))
    ratio = found.var(axis=1).sum(axis=1) / plain.var(axis=1).sum(axis=1)
    assert ratio.max() < 0.85


@pytest.mark.parametrize("name", ["bits", "one_hots"])
def test_the_critic_is_trained_on_the_variance(name):
    check_critic(TOYS[name], "rebar", [np.array(-0.4), np.array(0.6)])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("categorical", "no relaxation, use 'one_hot'"),
        ("normal", "it has no relaxation"),
    ],
)
def test_it_needs_a_relaxation(kind, reason):
    with pytest.raises(ValueError, match=reason):
        StochasticNode(kind, "rebar")


def test_class_numbers_below_are_refused():
    x = keras.Input((3,))
    bits = StochasticNode("bernoulli", "rebar", seed=1)(x)
    index = StochasticNode("categorical", "score", seed=2)(bits)
    cost = CostNode(lambda k: keras.ops.cast(k, "float32"))(index)
    model = SurrogateModel(x, cost)
    model.compile("sgd")
    with pytest.raises(ValueError, match="no relaxation. Use the distrib"):
        model.surrogate(np.zeros((2, 3), "float32"))
