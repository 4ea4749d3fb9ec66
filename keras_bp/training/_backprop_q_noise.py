"""Layers that draw noise of their own, as critics have to know them."""

from keras_bp.layers.stochastic_node import StochasticNode
from keras_bp.training.stochastic_graph import slots_in

_STATE = "seed_generator_state"


def draws_noise(step):
    """Whether a layer draws noise in training, and is no `StochasticNode`.

    It is told by the state of its seed: a layer that draws without one, by a
    seed of the backend, is not known.
    """
    layer = step.operation
    if isinstance(layer, StochasticNode):
        return False
    return any(
        variable.name == _STATE for variable in getattr(layer, "variables", ())
    )


def noisy_steps(graph):
    """Names of all layers of a graph that draw noise, in order."""
    return [step.name for step in graph.steps if draws_noise(step)]


def noise_above(graph, name):
    """The layers above a node that draw noise.

    Their outputs are random as the samples of nodes are. A cost that hangs on
    one of them around a node is not known from the node and the inputs of the
    model; and the node hangs on it too, so that an average over the noise is
    not what the node has to learn from.

    Args:
        graph: `StochasticGraph`.
        name: String, the node.

    Returns:
        List of `Step`, in order.
    """
    step = graph.nodes[name]
    wanted = {slot.index for slot in slots_in([step.args, step.kwargs])}
    found = []
    for each in reversed(graph.steps):
        if wanted.isdisjoint(slot.index for slot in slots_in(each.outputs)):
            continue
        wanted |= {slot.index for slot in slots_in([each.args, each.kwargs])}
        if draws_noise(each):
            found.append(each)
    return found[::-1]
