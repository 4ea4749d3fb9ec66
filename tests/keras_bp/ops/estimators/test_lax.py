import dataclasses

import pytest
from estimator_critics import check_critic, check_with_critic, network_weights
from estimator_toys import TOYS, check_unbiased

from keras_bp.layers import StochasticNode

# Features of the sample and of the parameters together.
CONTINUOUS = {"normal": 3, "mvn_diag": 6}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_it_is_unbiased(name):
    check_unbiased(TOYS[name], "lax")


@pytest.mark.parametrize("name", CONTINUOUS)
def test_it_is_unbiased_at_any_weights(name):
    check_with_critic(TOYS[name], "lax", network_weights(CONTINUOUS[name]))


def normal_of_tfp(params):
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(*params)


def test_it_is_unbiased_for_a_distribution_of_tfp():
    toy = dataclasses.replace(TOYS["normal"], distribution=normal_of_tfp)
    check_with_critic(toy, "lax", network_weights(3))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_critic_is_trained_on_the_variance(name):
    check_critic(TOYS[name], "lax", network_weights(CONTINUOUS[name]))


@pytest.mark.parametrize("kind", ["bernoulli", "one_hot", "categorical"])
def test_it_needs_a_path(kind):
    with pytest.raises(ValueError, match="samples have no path, use 'relax'"):
        StochasticNode(kind, "lax")
