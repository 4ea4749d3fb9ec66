"""RELAX, the relaxed cost and a learned function as control variate."""

from keras_bp.ops.estimators._below import relaxed
from keras_bp.ops.estimators._controlled import relaxed_control
from keras_bp.ops.node_estimators import register_node_estimator

_NO_RELAXATION = "it has no relaxation, use 'lax'"


@register_node_estimator(
    "relax",
    "cost",
    ("bernoulli", "one_hot"),
    unbiased=True,
    evaluations=2,
    critic="both",
    refusal={
        "categorical": "a class number has no relaxation, use 'one_hot'",
        **dict.fromkeys(("normal", "mvn_diag", "callable"), _NO_RELAXATION),
    },
)
def relax(problem):
    r"""REBAR, with a network :math:`r` added to the control variate.

    :math:`c(z) = \eta f(\sigma_\tau(z)) + r(z)`; with :math:`\tilde z` drawn
    again given the sample :math:`b`, :math:`\hat g = (f(b) - c(\tilde z))
    \nabla\log p(b) + \nabla c(z) - \nabla c(\tilde z)`. Unbiased for any cost
    that is differentiable between the states; :math:`\tau`, :math:`\eta` and
    :math:`r` are trained on the square of the estimate.

    Discrete nodes below are relaxed too: a cost with steps would make the
    estimate biased.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Grathwohl et al., 2018, https://arxiv.org/abs/1711.00123, section 3.2.
    """
    soften = problem.distribution.soften

    def control(continuous, params, weights):
        temperature, eta = problem.control(weights)
        cost = problem.evaluate(
            soften(continuous, temperature), relaxed(temperature)
        )
        return eta * cost + problem.critic(continuous, params, weights)

    return relaxed_control(problem, control)
