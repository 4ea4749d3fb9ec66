"""The estimate that LAX, REBAR and RELAX share."""

from keras_bp.ops._gradients import value_and_gradient
from keras_bp.ops.estimators._surrogates import (
    mean_square,
    rows_times,
    with_gradient,
)
from keras_bp.ops.node_estimators import NodeEstimate


def controlled(problem, path):
    """Weighs the score with what a trained control variate leaves over.

    Args:
        problem: `NodeProblem`.
        path: Function from the distribution, at parameters that are
            differentiated, and the weights to a pair of `(rows,)`: what is
            differentiated, and what the cost is lessened by.

    Returns:
        `NodeEstimate`.
    """
    found = problem.distribution.detached()
    score = found.score(problem.value)

    def estimate(*weights):
        (_, control), slopes = value_and_gradient(
            lambda *params: path(found.with_params(params), weights),
            found.params,
        )
        gradients = [
            rows_times(problem.cost - control, own) + along
            for own, along in zip(score, slopes, strict=True)
        ]
        return mean_square(gradients), gradients

    (_, gradients), critic = value_and_gradient(
        estimate, problem.critic_weights
    )
    surrogate = with_gradient(problem.distribution.params, gradients)
    return NodeEstimate(surrogate, critic)


def relaxed_control(problem, control):
    """`controlled` by a function of the relaxed sample.

    Args:
        problem: `NodeProblem`.
        control: Function from a continuous sample, the parameters and the
            weights to the control variate, `(rows,)`.

    Returns:
        `NodeEstimate`.
    """
    params = problem.distribution.detached().params
    again = problem.draw()

    def path(at, weights):
        free = control(at.continuous(problem.noise), params, weights)
        tied = control(at.conditional(problem.value, again), params, weights)
        return free - tied, tied

    return controlled(problem, path)
