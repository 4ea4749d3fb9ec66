"""LAX, a learned control variate of a continuous sample."""

from keras_bp.ops.estimators._controlled import controlled
from keras_bp.ops.node_estimators import register_node_estimator

_NO_PATH = "its samples have no path, use 'relax'"


@register_node_estimator(
    "lax",
    "cost",
    ("normal", "mvn_diag", "callable"),
    unbiased=True,
    critic="network",
    refusal=dict.fromkeys(("bernoulli", "categorical", "one_hot"), _NO_PATH),
)
def lax(problem):
    r"""Weighs the score with what a critic :math:`c` leaves over.

    :math:`\hat g = (f(x) - c(x))\nabla\log p(x) + \nabla c(x)`, the last along
    the path of the sample. Unbiased for any cost, differentiable or not; the
    critic is trained on the square of the estimate.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Grathwohl et al., 2018, https://arxiv.org/abs/1711.00123, equation 6.
    """
    params = problem.distribution.detached().params

    def path(at, weights):
        guess = problem.critic(at.sample(problem.noise), params, weights)
        return guess, guess

    return controlled(problem, path)
