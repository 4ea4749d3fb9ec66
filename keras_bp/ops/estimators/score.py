"""The score-function estimator, REINFORCE."""

from keras_bp.ops.estimators._surrogates import (
    rows_times,
    weighted_log_prob,
    with_gradient,
)
from keras_bp.ops.node_estimators import (
    DISTRIBUTIONS,
    NodeEstimate,
    register_node_estimator,
)


@register_node_estimator(
    "score", "cost", DISTRIBUTIONS, unbiased=True, baseline=True
)
def score(problem):
    r"""Weighs the score with the costs below the node, less a baseline.

    :math:`\hat g = (f(x) - b)\,\nabla_\theta \log p(x;\theta)`. Unbiased for
    any cost, where the baseline :math:`b` does not depend on the sample.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Williams, 1992; Schulman et al., 2015, https://arxiv.org/abs/1506.05254.
    """
    found, baseline = problem.distribution, problem.baseline
    if not isinstance(baseline, list):
        signal = problem.cost if baseline is None else problem.cost - baseline
        return NodeEstimate(weighted_log_prob(found, problem.value, signal))
    gradients = [
        rows_times(problem.cost, score) - own * score
        for own, score in zip(
            baseline, found.detached().score(problem.value), strict=True
        )
    ]
    return NodeEstimate(with_gradient(found.params, gradients))
