"""Augment-REINFORCE-merge."""

from keras_bp.ops.estimators._surrogates import rows_times, with_gradient
from keras_bp.ops.node_estimators import NodeEstimate, register_node_estimator


@register_node_estimator(
    "arm", "cost", ("bernoulli",), unbiased=True, evaluations=1
)
def arm(problem):
    r"""Weighs the noise with the difference of two coupled evaluations.

    With :math:`b = 1_{u<p}` and :math:`\tilde b = 1_{1-u<p}`:
    :math:`\hat g = (f(\tilde b) - f(b))(u - \frac12)` in the logits. Unbiased
    for any cost.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Yin and Zhou, 2019, https://arxiv.org/abs/1807.11143.
    """
    other = problem.distribution.detached().sample(1 - problem.noise)
    difference = problem.train(other) - problem.cost
    gradient = rows_times(difference, problem.noise - 0.5)
    return NodeEstimate(with_gradient(problem.distribution.params, [gradient]))
