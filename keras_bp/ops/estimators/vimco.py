"""VIMCO, for a bound by several samples."""

from keras import ops

from keras_bp import _checks
from keras_bp.ops.estimators._surrogates import weighted_log_prob
from keras_bp.ops.node_estimators import (
    DISTRIBUTIONS,
    NodeEstimate,
    register_node_estimator,
)


@register_node_estimator(
    "vimco", "cost", DISTRIBUTIONS, unbiased=True, min_samples=2
)
def vimco(problem):
    r"""Weighs the score with the bound less the bound without the sample.

    Unbiased for the objective :math:`L = -\log\frac1K\sum_k e^{-f(x_k)}`, see
    `vimco_signal`.

    Args:
        problem: `NodeProblem` with `bound`.

    Returns:
        `NodeEstimate`.

    Reference:
        Mnih and Rezende, 2016, https://arxiv.org/abs/1602.06725.
    """
    return NodeEstimate(
        weighted_log_prob(
            problem.distribution, problem.value, problem.bound(vimco_signal)
        )
    )


def vimco_signal(costs):
    r"""What each sample adds to the bound.

    :math:`s_k = L - L^{(-k)}`, where in :math:`L^{(-k)}` the cost of sample
    :math:`k` is the mean of the others.

    Args:
        costs: Float tensor `(samples, batch)`.

    Returns:
        Tensor of the same shape.
    """
    costs = _checks.as_tensor("costs", costs, owner="vimco_signal", rank=2)
    samples = costs.shape[0]
    if samples == 1:
        raise ValueError(
            "vimco_signal expects costs of two samples or more. "
            f"Received: shape={tuple(costs.shape)}"
        )
    others = (ops.sum(costs, axis=0, keepdims=True) - costs) / (samples - 1)
    # Row k, column j: the cost of sample j where k is left out.
    eye = ops.expand_dims(ops.eye(samples, dtype=costs.dtype), -1)
    table = ops.expand_dims(costs, 0) * (1 - eye)
    table = table + ops.expand_dims(others, 0) * eye
    bound = -ops.logsumexp(-costs, axis=0, keepdims=True)
    without = -ops.logsumexp(-table, axis=1)
    # The factor 1 / K of the mean is in both, and cancels.
    return bound - without
