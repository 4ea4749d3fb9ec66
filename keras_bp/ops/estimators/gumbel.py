"""The relaxed sample, Gumbel-softmax or Concrete."""

from keras_bp.ops.node_estimators import register_node_estimator


@register_node_estimator(
    "gumbel", "local", ("bernoulli", "one_hot"), unbiased=False
)
def gumbel(distribution, noise, temperature):
    r"""A point between the states, with its own derivative.

    A bit: :math:`\sigma((z - \mathrm{logit}\,u)/\tau)`. A one-hot vector:
    :math:`\mathrm{softmax}((z + g)/\tau)`, :math:`g` Gumbel. The costs are
    those of the relaxed values, and so biased; as :math:`\tau` goes to 0 the
    bias vanishes and the variance grows.

    Args:
        distribution: Distribution of bits or of one-hot vectors.
        noise: That of the distribution.
        temperature: Positive scalar :math:`\tau`.

    Reference:
        Maddison, Mnih, Teh, 2017, https://arxiv.org/abs/1611.00712; Jang, Gu,
        Poole, 2017, https://arxiv.org/abs/1611.01144.
    """
    return distribution.soften(distribution.continuous(noise), temperature)
