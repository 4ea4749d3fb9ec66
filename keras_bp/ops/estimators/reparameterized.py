"""The pathwise estimator."""

from keras_bp.ops.node_estimators import register_node_estimator

_NO_PATH = (
    "a sample of it does not move with the parameters, so that the pathwise "
    "gradient is zero or None"
)


@register_node_estimator(
    "reparameterized",
    "local",
    ("normal", "mvn_diag", "callable"),
    unbiased=True,
    refusal=dict.fromkeys(("bernoulli", "categorical", "one_hot"), _NO_PATH),
)
def reparameterized(distribution, noise, temperature):
    r"""A sample as a function of the parameters, :math:`x(\theta, \epsilon)`.

    :math:`\nabla E[f(x)] = E[\nabla_\theta f(x(\theta, \epsilon))]`. Unbiased
    where the cost is differentiable in the sample.

    Args:
        distribution: Distribution with reparameterized samples.
        noise: That of the distribution.
        temperature: Not read.

    Reference:
        Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114.
    """
    return distribution.sample(noise)
