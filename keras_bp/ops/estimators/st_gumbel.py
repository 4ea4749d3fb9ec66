"""Straight-through Gumbel-softmax."""

from keras import ops

from keras_bp.ops.estimators.gumbel import gumbel
from keras_bp.ops.node_estimators import register_node_estimator


@register_node_estimator(
    "st_gumbel", "local", ("bernoulli", "one_hot"), unbiased=False
)
def st_gumbel(distribution, noise, temperature):
    r"""A sample with the derivative of the relaxed sample of the same noise.

    For a bit it is the estimator `"gumbel"` of `BinaryNeuron`. Biased.

    Args:
        distribution: Distribution of bits or of one-hot vectors.
        noise: That of the distribution.
        temperature: Positive scalar.

    Reference:
        Jang, Gu, Poole, 2017, https://arxiv.org/abs/1611.01144, section 2.2.
    """
    path = gumbel(distribution, noise, temperature)
    sample = ops.stop_gradient(distribution.sample(noise))
    return path - ops.stop_gradient(path) + sample
