"""The estimate that REBAR and RELAX share."""

from keras_bp.ops._gradients import value_and_gradient
from keras_bp.ops.estimators._surrogates import (
    mean_square,
    rows_times,
    with_gradient,
)
from keras_bp.ops.node_estimators import NodeEstimate


def relaxed_control(problem, control):
    """Weighs the score with what a control of the relaxed sample leaves.

    Args:
        problem: `NodeProblem`.
        control: Function from a continuous sample, the parameters and the
            weights to the control variate, `(rows,)`.

    Returns:
        `NodeEstimate`.
    """
    found = problem.distribution.detached()
    score = found.score(problem.value)
    again = problem.draw()

    def estimate(*weights):
        def path(*params):
            at = found.with_params(params)
            free = control(at.continuous(problem.noise), found.params, weights)
            tied = control(
                at.conditional(problem.value, again), found.params, weights
            )
            return free - tied, tied

        (_, tied), slopes = value_and_gradient(path, found.params)
        gradients = [
            rows_times(problem.cost - tied, own) + along
            for own, along in zip(score, slopes, strict=True)
        ]
        return mean_square(gradients), gradients

    (_, gradients), critic = value_and_gradient(
        estimate, problem.critic_weights
    )
    surrogate = with_gradient(problem.distribution.params, gradients)
    return NodeEstimate(surrogate, critic)
