"""LAX, a learned control variate of a continuous sample."""

from keras_bp.ops._gradients import value_and_gradient
from keras_bp.ops.estimators._surrogates import (
    mean_square,
    rows_times,
    with_gradient,
)
from keras_bp.ops.node_estimators import NodeEstimate, register_node_estimator

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
    found = problem.distribution.detached()
    score = found.score(problem.value)

    def estimate(*weights):
        def path(*params):
            sample = found.with_params(params).sample(problem.noise)
            return problem.critic(sample, found.params, weights), ()

        (guess, _), slope = value_and_gradient(path, found.params)
        gradients = [
            rows_times(problem.cost - guess, own) + along
            for own, along in zip(score, slope, strict=True)
        ]
        return mean_square(gradients), gradients

    (_, gradients), critic = value_and_gradient(
        estimate, problem.critic_weights
    )
    surrogate = with_gradient(problem.distribution.params, gradients)
    return NodeEstimate(surrogate, critic)
