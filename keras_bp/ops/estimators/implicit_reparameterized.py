"""The pathwise estimator through the distribution function."""

from keras_bp.ops.estimators.reparameterized import reparameterized
from keras_bp.ops.node_estimators import register_node_estimator

_CLOSED = "its path is explicit, use 'reparameterized'"
_DISCRETE = "its distribution function has steps"


@register_node_estimator(
    "implicit_reparameterized",
    "local",
    ("callable",),
    unbiased=True,
    refusal={
        **dict.fromkeys(("normal", "mvn_diag"), _CLOSED),
        **dict.fromkeys(("bernoulli", "categorical", "one_hot"), _DISCRETE),
    },
)
def implicit_reparameterized(distribution, noise, temperature):
    r"""A sample with the derivative of its distribution function.

    :math:`\nabla_\theta x = -\nabla_\theta F(x;\theta) / p(x;\theta)`.
    TensorFlow Probability does so for Gamma, Beta, Dirichlet, StudentT,
    VonMises and mixtures. Unbiased where the cost is differentiable in the
    sample.

    Args:
        distribution: Distribution of TensorFlow Probability.
        noise: That of the distribution.
        temperature: Not read.

    Reference:
        Figurnov, Mohamed, Mnih, 2018, https://arxiv.org/abs/1805.08498.
    """
    return reparameterized(distribution, noise, temperature)
