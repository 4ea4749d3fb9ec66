"""The straight-through estimator in the probability of a bit."""

from keras_bp.ops.binarize import binarize
from keras_bp.ops.node_estimators import register_node_estimator


@register_node_estimator(
    "sigmoid_adjusted", "local", ("bernoulli",), unbiased=False
)
def sigmoid_adjusted(distribution, noise, temperature):
    r"""A bit with :math:`\partial b/\partial z = p (1 - p)`.

    Biased, except where the cost is affine in each bit.

    Args:
        distribution: Bernoulli distribution.
        noise: Tensor of the shape of the logits, in [0, 1).
        temperature: Not read.

    Reference:
        Chung, Ahn, Bengio, 2017, https://arxiv.org/abs/1609.01704.
    """
    return binarize(
        distribution.logits,
        mode="stochastic",
        estimator="sigmoid_adjusted",
        noise=noise,
    )
