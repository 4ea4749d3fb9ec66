import numpy as np
import pytest
from estimator_toys import Toy, check_unbiased

from keras_bp.layers import StochasticNode


def gamma(params):
    import tensorflow_probability as tfp

    return tfp.distributions.Gamma(*params)


def test_a_gamma_distribution():
    # E[x^2] = a (a + 1) / b^2.
    cases = np.array([[1.5, 2.0], [0.6, 1.0]])
    a, b = cases.T
    exact = [(2 * a + 1) / b**2, -2 * a * (a + 1) / b**3]
    toy = Toy(
        gamma,
        lambda x: [x[:, :1], x[:, 1:]],
        lambda v, x: v[:, 0] ** 2,
        cases,
        np.stack(exact, axis=-1),
    )
    found = check_unbiased(toy, "implicit_reparameterized")
    score = toy.estimates(toy.model("score"), 20_000)
    assert (found.var(axis=1) < score.var(axis=1)).all()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("normal", "its path is explicit, use 'reparameterized'"),
        ("mvn_diag", "its path is explicit, use 'reparameterized'"),
        ("bernoulli", "its distribution function has steps"),
        ("one_hot", "its distribution function has steps"),
    ],
)
def test_it_is_for_distributions_of_tfp(kind, reason):
    with pytest.raises(ValueError, match=reason):
        StochasticNode(kind, "implicit_reparameterized")
