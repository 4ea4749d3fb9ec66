"""Surrogates that can be differentiated any number of times."""

import dataclasses

from keras import ops

from keras_bp.stochastic._estimates import check_surrogate_model
from keras_bp.stochastic._reference import scored


@dataclasses.dataclass(frozen=True)
class DiceTerms:
    """What `dice_terms` finds in a run of a model.

    Attributes:
        log_probs: Dictionary from the name of a node to the log-probability
            of its sample, `(rows,)`.
        costs: List of pairs, a cost `(rows,)` and the names of the nodes
            above it.
        above: Dictionary from the name of a node to the names of the nodes
            above it.
    """

    log_probs: dict
    costs: list
    above: dict

    def baselines(self, values):
        """The `baselines` of `dice`.

        Args:
            values: Dictionary from the name of a node to a number, or a tensor
                `(rows,)`, that does not depend on its sample or on what is
                below it.
        """
        return {name: (b, self.above[name]) for name, b in values.items()}


def dice(log_probs, costs, baselines=None):
    r"""Makes a surrogate whose derivatives of any order are unbiased.

    With the magic box :math:`\square(W) = \exp\big(\sum_{w\in W}\log p_w -
    \overline{\sum_{w\in W}\log p_w}\big)`, which is 1 and whose derivative is
    that of the log-probabilities, where what is under a bar is held constant:

    .. math:: \sum_c \square(W_c)\, c + \sum_w
              \big(\square(A_w) - \square(A_w \cup \{w\})\big)\,\overline{b_w}

    for costs :math:`c` with the nodes :math:`W_c` above them, and baselines
    :math:`b_w` of nodes with the nodes :math:`A_w` above them. Its value is
    the cost. Differentiate it as often as needed, as it stands; the gradient
    of a surrogate such as that of `SurrogateModel` is right once only.

    With an empty :math:`A_w` the second sum is that of Foerster et al.,
    :math:`(1 - \square(\{w\}))\, b_w`: unbiased for any order too, but it
    lowers the variance of first derivatives only. The nodes above carry it to
    all orders (Mao et al.).

    Args:
        log_probs: Dictionary from the name of a node to the log-probability
            of its sample, `(rows,)`, as a function of the parameters, with
            the sample held constant.
        costs: List of pairs, a cost `(rows,)` and the names of the nodes
            above it. A cost may depend on parameters by paths as well.
        baselines: Dictionary from the name of a node to a pair, a number or a
            tensor `(rows,)` that does not depend on its sample nor on what is
            below it, and the names of the nodes above the node. Defaults to
            `None`.

    Returns:
        Tensor `(rows,)`.

    Raises:
        ValueError: A name is not in `log_probs`, a node is above itself, or
            there are no costs.

    Example:

    >>> import tensorflow as tf
    >>> from keras_bp import ops, stochastic
    >>> logit = tf.constant([[0.0]])
    >>> with tf.GradientTape() as outer, tf.GradientTape() as inner:
    ...     inner.watch(logit)
    ...     outer.watch(logit)
    ...     bit = tf.constant([[1.0]])
    ...     found = ops.node_distribution("bernoulli", logit)
    ...     log_probs = {"bit": found.joint_log_prob(bit)}
    ...     cost = tf.square(bit[:, 0] - 0.45)
    ...     value = stochastic.dice(log_probs, [(cost, ["bit"])])
    ...     once = inner.gradient(value, logit)
    >>> twice = outer.gradient(once, logit)
    >>> f"{float(once[0, 0]):.5f} {float(twice[0, 0]):.5f}"
    '0.15125 0.00000'

    Reference:
        Foerster et al., 2018, https://arxiv.org/abs/1802.05098, section 4;
        Mao et al., 2019, "A Baseline for Any Order Gradient Estimation in
        Stochastic Computation Graphs".
    """
    costs, baselines = list(costs), baselines or {}
    if not costs:
        raise ValueError("dice expects `costs`. Received: none")
    if not isinstance(baselines, dict) or not isinstance(log_probs, dict):
        raise TypeError(
            "dice expects `log_probs` and `baselines` to be dictionaries. "
            f"Received: {type(log_probs).__name__} and "
            f"{type(baselines).__name__}"
        )
    for _, names in costs:
        _check_names(names, log_probs, "a cost")
    total = sum(_box(log_probs, names) * cost for cost, names in costs)
    for name, (baseline, above) in baselines.items():
        _check_names([name, *above], log_probs, f"the baseline of {name!r}")
        if name in above:
            raise ValueError(
                "dice expects the nodes above a node without the node. "
                f"Received: {tuple(above)} for {name!r}"
            )
        box = _box(log_probs, above) - _box(log_probs, [*above, name])
        total = total + box * ops.stop_gradient(ops.cast(baseline, total.dtype))
    return total


def dice_terms(model, x, y=None, sample_weight=None):
    """Runs a model, for `dice`.

    Nodes with a cost estimator are drawn from, whatever the estimator; those
    that are reparameterized pass the derivative by their path. The penalties
    of regularizers are no part of the costs.

    Args:
        model: Compiled `keras_bp.training.SurrogateModel`.
        x: Inputs.
        y: Targets of the losses given to `compile`. Defaults to `None`.
        sample_weight: Weights of examples, or None. Defaults to `None`.

    Returns:
        `DiceTerms`, with a row for each example and sample of it.

    Raises:
        TypeError: `model` is no `SurrogateModel`.
        ValueError: It is not compiled, its objective is no mean of costs, or
            a node has a local estimator that is biased.

    Example:

    >>> import keras
    >>> import tensorflow as tf
    >>> from keras_bp import stochastic
    >>> from keras_bp.layers import CostNode, StochasticNode
    >>> from keras_bp.training import SurrogateModel
    >>> logits = keras.Input((3,))
    >>> bits = StochasticNode(estimator="score", name="bits")(logits)
    >>> cost = CostNode(lambda bits: keras.ops.sum(bits, axis=-1))(bits)
    >>> model = SurrogateModel(logits, cost)
    >>> model.compile("sgd")
    >>> terms = stochastic.dice_terms(model, tf.zeros((8, 3)))
    >>> stochastic.dice(terms.log_probs, terms.costs).shape
    TensorShape([8])
    """
    check_surrogate_model(model, "dice_terms")
    graph = model.stochastic_graph
    _check_nodes(model, graph)
    names = [k for k, s in graph.nodes.items() if not _has_path(s.operation)]
    with scored([graph.nodes[name].operation for name in names]):
        found = model.surrogate(x, y, sample_weight)
    run, axes = found.run, found.run.axes
    log_probs = {
        name: run.draws[name].distribution.joint_log_prob(run.draws[name].value)
        for name in names
    }
    wide = axes.union(
        *(run.draws[name].axes for name in names),
        *(own for _, own in found.cost_rows.values()),
    )

    def above(slots):
        return tuple(x for x in graph.ancestors(slots) if x in log_probs)

    return DiceTerms(
        {
            name: axes.expand(each, run.draws[name].axes, wide)
            for name, each in log_probs.items()
        },
        [
            (axes.expand(cost, own, wide), above([model.cost_slots[name]]))
            for name, (cost, own) in found.cost_rows.items()
        ],
        {
            name: tuple(x for x in graph.above(name) if x in log_probs)
            for name in names
        },
    )


def _box(log_probs, names):
    if not names:
        return 1.0
    total = sum(log_probs[name] for name in dict.fromkeys(names))
    return ops.exp(total - ops.stop_gradient(total))


def _check_names(names, log_probs, what):
    if isinstance(names, str):
        raise TypeError(
            f"dice expects a list of names of nodes above {what}. Received: "
            f"{names!r}"
        )
    unknown = [name for name in names if name not in log_probs]
    if unknown:
        raise ValueError(
            f"dice expects the nodes of {what} to be in `log_probs`, "
            f"{list(log_probs)}. Received: {unknown}"
        )


def _has_path(node):
    return node.rule.kind == "local"


def _check_nodes(model, graph):
    if model.objective != "expected_cost":
        raise ValueError(
            "dice_terms expects a model with the objective 'expected_cost'. "
            f"Received: {model.objective!r}"
        )
    for name, step in graph.nodes.items():
        node = step.operation
        if _has_path(node) and not node.unbiased:
            raise ValueError(
                "dice_terms expects nodes with a cost estimator, or "
                "reparameterized ones: others are biased already once. "
                f"Received: {node.rule.name!r} at the node {name!r}"
            )
