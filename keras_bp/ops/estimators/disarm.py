"""DisARM, the antithetic estimator with the noise summed out."""

from keras import ops

from keras_bp.ops.estimators._surrogates import rows_times, with_gradient
from keras_bp.ops.node_estimators import NodeEstimate, register_node_estimator


@register_node_estimator(
    "disarm", "cost", ("bernoulli",), unbiased=True, evaluations=1
)
def disarm(problem):
    r"""ARM, averaged over the noise that gives the same pair of samples.

    With :math:`b = 1_{u<p}` and :math:`\tilde b = 1_{1-u<p}`:
    :math:`\hat g = \frac12 (f(b) - f(\tilde b))(b - \tilde b)\,\sigma(|z|)` in
    the logits :math:`z`. Unbiased for any cost.

    Args:
        problem: `NodeProblem`.

    Returns:
        `NodeEstimate`.

    Reference:
        Dong, Mnih, Tucker, 2020, https://arxiv.org/abs/2006.10680.
    """
    found = problem.distribution.detached()
    other = found.sample(1 - problem.noise)
    difference = 0.5 * (problem.cost - problem.train(other))
    signs = (problem.value - other) * ops.sigmoid(ops.abs(found.logits))
    gradient = rows_times(difference, signs)
    return NodeEstimate(with_gradient(problem.distribution.params, [gradient]))
