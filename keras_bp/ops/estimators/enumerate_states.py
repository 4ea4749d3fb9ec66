"""The exact gradient, by going through all states of a node."""

from keras_bp.ops.node_estimators import register_node_estimator

_UNCOUNTABLE = "its states cannot be counted"


@register_node_estimator(
    "enumerate",
    "cost",
    ("bernoulli", "categorical", "one_hot"),
    unbiased=True,
    enumerates=True,
    refusal=dict.fromkeys(("normal", "mvn_diag", "callable"), _UNCOUNTABLE),
)
def enumerate_states(distribution):
    r"""All joint states of the units of a node.

    The costs below are evaluated at each state :math:`s`, and weighted with
    its probability: :math:`\sum_s p(s;\theta) f(s)` is differentiated as it
    stands. Exact, without noise of this node; the work grows with the number
    of states, 2 to the power of the number of bits.

    Args:
        distribution: Distribution with `states()`.

    Returns:
        Tensor of shape `(states, *units)`.
    """
    return distribution.states()
