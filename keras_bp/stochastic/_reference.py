"""An estimator that takes nothing from the ones that it checks."""

import contextlib

from keras import ops

from keras_bp.ops.estimators._surrogates import weighted_log_prob
from keras_bp.ops.node_estimators import (
    DISTRIBUTIONS,
    NodeEstimate,
    NodeEstimator,
)


@contextlib.contextmanager
def scored(nodes, copies=1, examples=None):
    """Some nodes are estimated by the score function.

    Its baseline is the mean cost of the other copies of an example.

    Args:
        nodes: List of `StochasticNode`.
        copies: Integer, how often the batch is repeated, one after the other.
        examples: Integer, size of the batch before.
    """
    found = NodeEstimator(
        "score", "cost", DISTRIBUTIONS, True, _score_rule(copies, examples)
    )
    kept = [node.rule for node in nodes]
    try:
        for node in nodes:
            node.rule = found
        yield
    finally:
        # In this order for a node that is there twice.
        for node, rule in reversed(list(zip(nodes, kept, strict=True))):
            node.rule = rule


def _score_rule(copies, examples):
    def score(problem):
        signal = problem.cost
        if copies > 1:
            table = ops.reshape(signal, (-1, copies, examples))
            total = ops.sum(table, axis=1, keepdims=True)
            others = (total - table) / (copies - 1)
            signal = signal - ops.reshape(others, (-1,))
        return NodeEstimate(
            weighted_log_prob(problem.distribution, problem.value, signal)
        )

    return score
