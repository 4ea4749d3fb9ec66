"""ReinMax, the trapezoid rule between states."""

from keras import ops

from keras_bp.ops.binarize import binarize
from keras_bp.ops.node_estimators import register_node_estimator


@register_node_estimator(
    "reinmax", "local", ("bernoulli", "one_hot"), unbiased=False
)
def reinmax(distribution, noise, temperature):
    r"""A sample with a gradient of second order.

    A bit: :math:`\partial b/\partial z = |b - p| / 2`. A one-hot vector
    :math:`D`: twice the derivative of the softmax at :math:`(D + p)/2`, less
    half of that at :math:`p`. Biased, except where the cost is quadratic.

    Args:
        distribution: Distribution of bits or of one-hot vectors.
        noise: That of the distribution.
        temperature: Not read.

    Reference:
        Liu et al., 2023, https://arxiv.org/abs/2304.08612.
    """
    logits = distribution.logits
    if distribution.name == "bernoulli":
        return binarize(
            logits, mode="stochastic", estimator="reinmax", noise=noise
        )
    sample = ops.stop_gradient(distribution.sample(noise))
    p = distribution.mean()
    # A class that is forbidden, by a logit of -inf, stays so.
    moved = ops.log(0.5 * (sample + p)) - logits
    moved = ops.where(ops.isinf(logits), ops.zeros_like(moved), moved)
    between = ops.stop_gradient(moved) + logits
    path = 2 * ops.softmax(between, axis=-1) - 0.5 * p
    return path - ops.stop_gradient(path) + sample
