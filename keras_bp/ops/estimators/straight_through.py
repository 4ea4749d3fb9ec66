"""The straight-through estimator."""

from keras import ops

from keras_bp.ops.binarize import binarize
from keras_bp.ops.node_estimators import register_node_estimator


@register_node_estimator(
    "straight_through", "local", ("bernoulli", "one_hot"), unbiased=False
)
def straight_through(distribution, noise, temperature):
    r"""A sample whose derivative is taken for 1.

    A bit: :math:`\partial b/\partial z = 1`, as in `BinaryNeuron`; what other
    texts call straight-through, :math:`\partial b/\partial p = 1`, is
    `"sigmoid_adjusted"`. A one-hot vector:
    :math:`\partial D/\partial\mathrm{softmax}(z) = 1`. Biased, except where
    the cost is affine in each unit (for a bit up to the factor p (1 - p)).

    Args:
        distribution: Distribution of bits or of one-hot vectors.
        noise: That of the distribution.
        temperature: Not read.

    Reference:
        Bengio, Leonard, Courville, 2013, https://arxiv.org/abs/1308.3432.
    """
    if distribution.name == "bernoulli":
        return binarize(
            distribution.logits,
            mode="stochastic",
            estimator="straight_through",
            noise=noise,
        )
    p = distribution.mean()
    sample = ops.stop_gradient(distribution.sample(noise))
    return p - ops.stop_gradient(p) + sample
