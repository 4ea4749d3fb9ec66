"""Nodes as a `BackpropQModel` sees them: estimated by their critics."""

import copy
import dataclasses

from keras_bp import _checks
from keras_bp.layers._node_baseline import NodeBaseline
from keras_bp.layers._node_shapes import node_shapes
from keras_bp.ops.node_estimators import DISTRIBUTIONS, NodeEstimator
from keras_bp.training.stochastic_graph import slots_in

MODES = (
    "auto",
    "all_action",
    "advantage",
    "reparameterized",
    "control_variate",
)
COUNTED = ("bernoulli", "categorical", "one_hot")


def with_critics(graph, modes, input_names):
    """The graph, in which nodes with a critic have no estimator of their own.

    The layers stay as they are: another model may train them otherwise.

    Args:
        graph: `StochasticGraph`.
        modes: Dictionary from a node to its mode.
        input_names: List of strings, which the graph gets as an attribute.

    Returns:
        `StochasticGraph`.
    """
    views = {}

    def seen(step):
        if step.name not in modes:
            return step
        node = step.operation
        # A node that is applied twice may learn otherwise each time.
        key = id(node), modes[step.name]
        if key not in views:
            views[key] = _view(node, modes[step.name])
        return dataclasses.replace(step, operation=views[key])

    found = copy.copy(graph)
    found.input_names = input_names
    found.steps = [seen(step) for step in graph.steps]
    found.nodes = {name: seen(step) for name, step in graph.nodes.items()}
    return found


def _view(node, mode):
    """The same weights and the same noise, with another rule."""
    view = object.__new__(type(node))
    rule = NodeEstimator(
        "backprop_q",
        "cost",
        DISTRIBUTIONS,
        unbiased=mode == "control_variate",
        rule=_no_rule,
    )
    # By its dictionary: Keras would track what it has already.
    vars(view).update(vars(node))
    vars(view).update(
        rule=rule, baseline_state=NodeBaseline(view), critic=None, baseline=None
    )
    return view


def _no_rule(problem):
    raise ValueError("The estimator 'backprop_q' needs a BackpropQModel")


def modes_of(graph, names, mode, owner):
    """The mode of each node with a critic.

    Args:
        graph: `StochasticGraph`.
        names: Names of nodes.
        mode: String, one of `MODES`, or a dictionary from a node to it.
        owner: String, for the message of an error.

    Returns:
        Dictionary from a name to a mode, none of them `"auto"`.

    Raises:
        ValueError: A mode is not defined for the distribution of a node.
    """
    if not isinstance(mode, dict):
        mode = dict.fromkeys(names, mode)
    unknown = sorted(set(mode) - set(names))
    if unknown:
        raise ValueError(
            f"{owner} expects the keys of `mode` to be nodes with a critic, "
            f"{list(names)}. Received: {unknown}"
        )
    found = {}
    for name in names:
        wanted = mode.get(name, "auto")
        _checks.check_one_of("mode", wanted, MODES, owner=owner)
        found[name] = _mode(graph.nodes[name], wanted, owner)
    return found


def _mode(step, mode, owner):
    kind = step.operation.distribution_name
    counted, path = kind in COUNTED, has_path(step)
    if mode == "auto":
        if counted:
            return "all_action"
        return "reparameterized" if path else "advantage"
    refused = None
    if mode == "all_action" and not counted:
        refused = "its states cannot be counted; use 'reparameterized'"
    if mode == "reparameterized" and not path:
        refused = "its samples have no path; use 'all_action' or 'advantage'"
    if mode == "control_variate" and not (counted or path):
        refused = "the critic's own gradient cannot be found; use 'advantage'"
    if refused:
        raise ValueError(
            f"{owner} has no mode {mode!r} for the node {step.name!r} of "
            f"{kind} distribution: {refused}. Received: mode={mode!r}"
        )
    return mode


def has_path(step):
    """Whether samples of a node are reparameterized."""
    shapes = [slot.shape for slot in slots_in([step.args, step.kwargs])]
    shape = shapes[0] if len(shapes) == 1 else shapes
    return node_shapes(step.operation, shape).reparameterized
