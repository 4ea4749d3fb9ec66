"""Regularizers, and other losses of layers, beside the costs."""

import keras
from keras import ops

from keras_bp.layers.cost_node import CostNode
from keras_bp.layers.stochastic_node import StochasticNode


def cost_dtype(graph):
    """The widest that a layer of a graph computes in, a string."""
    wide = any(
        getattr(step.operation, "compute_dtype", None) == "float64"
        for step in graph.steps
    )
    return "float64" if wide else "float32"


def penalty(graph):
    """The penalties of all layers of a graph that has just been run.

    Args:
        graph: `StochasticGraph`.

    Returns:
        Scalar.

    Raises:
        ValueError: A layer adds a loss where a node above it would have to be
            weighed with it, or a layer that does is applied twice, where the
            loss of the first time is gone.
    """
    dtype, seen = cost_dtype(graph), set()
    total = ops.zeros((), dtype)
    for step in graph.steps:
        layer = step.operation
        if isinstance(layer, CostNode) or not isinstance(
            layer, keras.layers.Layer
        ):
            continue
        losses = layer.losses
        added = len(losses) - sum(
            weight.regularizer is not None for weight in layer.trainable_weights
        )
        if added:
            _check_added(graph, step, id(layer) in seen)
        if id(layer) not in seen:
            total = total + sum(ops.cast(x, dtype) for x in losses)
        seen.add(id(layer))
    return total


def _check_added(graph, step, again):
    above = [
        name
        for name in graph.ancestors([step.outputs])
        if _is_weighed(graph.nodes[name].operation)
    ]
    if above or again:
        raise ValueError(
            "SurrogateModel expects losses of the activity of a layer to be "
            "costs, where they are below a node with a cost estimator or the "
            "layer is applied twice: what a layer adds by itself weighs no "
            "node. Make it a keras_bp.layers.CostNode. Received: layer "
            f"{step.name!r} below {above}"
        )


def _is_weighed(node):
    return isinstance(node, StochasticNode) and node.rule.kind == "cost"
