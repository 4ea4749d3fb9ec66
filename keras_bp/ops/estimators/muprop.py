"""MuProp, a Taylor expansion around the mean as control variate."""

from keras_bp.ops._gradients import value_and_gradient
from keras_bp.ops._node_distributions import sum_units
from keras_bp.ops.estimators._below import mean_field
from keras_bp.ops.estimators._surrogates import (
    weighted_log_prob,
    with_gradient,
)
from keras_bp.ops.node_estimators import NodeEstimate, register_node_estimator


@register_node_estimator(
    "muprop",
    "cost",
    ("bernoulli", "one_hot", "normal", "mvn_diag"),
    unbiased=True,
    evaluations=1,
    baseline=True,
    refusal={"categorical": "a class number has no mean, use 'one_hot'"},
)
def muprop(problem):
    r"""Weighs the score with what a tangent at the mean leaves over.

    :math:`\hat g = \big(f(x) - b - f(\mu) - f'(\mu)(x-\mu)\big)\nabla\log p(x)
    + f'(\mu)\nabla\mu`, where below :math:`\mu` all nodes take their mean.
    Unbiased for any cost that can be evaluated at the mean.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Gu et al., 2016, https://arxiv.org/abs/1511.05176.
    """
    found = problem.distribution
    mean = found.detached().mean()
    (at_mean, _), (slope,) = value_and_gradient(
        lambda mean: (problem.evaluate(mean, mean_field), ()), [mean]
    )
    tangent = at_mean + sum_units(slope * (problem.value - mean))
    signal = rest = problem.cost - tangent
    if problem.baseline is not None:
        signal = rest - problem.baseline
    return NodeEstimate(
        weighted_log_prob(found, problem.value, signal)
        + with_gradient([found.mean()], [slope]),
        # What the tangent leaves may be far from the cost itself.
        observed=rest,
    )
