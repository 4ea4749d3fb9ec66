"""REBAR, the relaxed cost as control variate."""

from keras_bp.ops.estimators._below import relaxed
from keras_bp.ops.estimators._controlled import relaxed_control
from keras_bp.ops.node_estimators import register_node_estimator

_NO_RELAXATION = "it has no relaxation"


@register_node_estimator(
    "rebar",
    "cost",
    ("bernoulli", "one_hot"),
    unbiased=True,
    evaluations=2,
    critic="scale",
    refusal={
        "categorical": "a class number has no relaxation, use 'one_hot'",
        **dict.fromkeys(("normal", "mvn_diag", "callable"), _NO_RELAXATION),
    },
)
def rebar(problem):
    r"""Weighs the score with what the relaxed cost leaves over.

    With the relaxed sample :math:`z`, and :math:`\tilde z` drawn again given
    the sample :math:`b`: :math:`\hat g = (f(b) - \eta f(\sigma_\tau(\tilde z)))
    \nabla\log p(b) + \eta\nabla f(\sigma_\tau(z)) - \eta\nabla
    f(\sigma_\tau(\tilde z))`. Unbiased for any cost that is differentiable
    between the states; :math:`\tau` and :math:`\eta` are trained on the square
    of the estimate.

    Discrete nodes below are relaxed too: a cost with steps would make the
    estimate biased.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Tucker et al., 2017, https://arxiv.org/abs/1703.07370.
    """
    soften = problem.distribution.soften

    def control(continuous, params, weights):
        temperature, eta = problem.control(weights)
        return eta * problem.evaluate(
            soften(continuous, temperature), relaxed(temperature)
        )

    return relaxed_control(problem, control)
