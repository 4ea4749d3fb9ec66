import numpy as np
import pytest
from estimator_critics import check_critic, check_with_critic, network_weights
from estimator_toys import TOYS, check_unbiased

from keras_bp.layers import StochasticNode

# Features of the sample and of the parameters together.
DISCRETE = {"bit": 2, "bits": 6, "one_hot": 6, "one_hots": 12}


@pytest.mark.parametrize("name", DISCRETE)
def test_it_is_unbiased(name):
    check_unbiased(TOYS[name], "relax", temperature=0.5)


@pytest.mark.parametrize("name", DISCRETE)
def test_it_is_unbiased_at_any_weights(name):
    weights = [np.log(0.3), 0.4, *network_weights(DISCRETE[name])]
    check_with_critic(TOYS[name], "relax", weights)


def test_at_first_it_is_rebar():
    toy = TOYS["bits"]
    found, plain = (
        toy.estimates(toy.model(name, temperature=0.5), 1000)
        for name in ("relax", "rebar")
    )
    np.testing.assert_allclose(found, plain, atol=1e-5)


@pytest.mark.parametrize("name", ["bits", "one_hots"])
def test_the_critic_is_trained_on_the_variance(name):
    weights = [np.array(-0.4), np.array(0.6)]
    weights += network_weights(DISCRETE[name])
    check_critic(TOYS[name], "relax", weights)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("categorical", "no relaxation, use 'one_hot'"),
        ("normal", "no relaxation, use 'lax'"),
    ],
)
def test_it_needs_a_relaxation(kind, reason):
    with pytest.raises(ValueError, match=reason):
        StochasticNode(kind, "relax")
