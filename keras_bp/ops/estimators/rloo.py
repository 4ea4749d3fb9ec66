"""REINFORCE with the other samples as baseline."""

from keras_bp.ops.estimators._surrogates import weighted_log_prob
from keras_bp.ops.node_estimators import (
    DISTRIBUTIONS,
    NodeEstimate,
    register_node_estimator,
)


@register_node_estimator(
    "rloo", "cost", DISTRIBUTIONS, unbiased=True, min_samples=2
)
def rloo(problem):
    r"""Weighs the score with the cost less that of the other samples.

    :math:`\hat g = \frac1K\sum_k \big(f(x_k) - \frac{1}{K-1}\sum_{j\ne k}
    f(x_j)\big)\nabla\log p(x_k)`, leave one out. Unbiased for any cost.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Kool, van Hoof, Welling, 2019,
        https://openreview.net/forum?id=r1lgTGL5DE.
    """
    signal = problem.cost - problem.others(problem.cost)
    return NodeEstimate(
        weighted_log_prob(problem.distribution, problem.value, signal)
    )
