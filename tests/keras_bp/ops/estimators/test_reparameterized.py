import dataclasses

import pytest
from estimator_toys import MVN_DIAG, NORMAL, check_unbiased

from keras_bp.layers import StochasticNode


@pytest.mark.parametrize("toy", [NORMAL, MVN_DIAG])
def test_it_is_unbiased_and_of_lower_variance_than_the_score(toy):
    found = check_unbiased(toy, "reparameterized")
    score = toy.estimates(toy.model("score"), 20_000)
    assert (found.var(axis=1) < 0.5 * score.var(axis=1) + 1e-9).all()


def normal_of_tfp(params):
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(*params)


def test_a_distribution_of_tfp_has_a_path():
    toy = dataclasses.replace(NORMAL, distribution=normal_of_tfp)
    check_unbiased(toy, "reparameterized")


@pytest.mark.parametrize("kind", ["bernoulli", "one_hot", "categorical"])
def test_a_sample_that_does_not_move_is_refused(kind):
    reason = "does not move with the parameters, so that the pathwise gradient"
    with pytest.raises(ValueError, match=reason):
        StochasticNode(kind, "reparameterized")


def bernoulli_of_tfp(logits):
    import tensorflow_probability as tfp

    return tfp.distributions.Bernoulli(logits, dtype="float32")


@pytest.mark.parametrize(
    "estimator", ["reparameterized", "implicit_reparameterized", "lax"]
)
def test_a_distribution_of_tfp_without_a_path_is_refused(estimator):
    node = StochasticNode(bernoulli_of_tfp, estimator)
    with pytest.raises(ValueError, match="samples are not reparameterized"):
        node.build((None, 3))
