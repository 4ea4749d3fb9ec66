"""What each critic sees, and what it learns: read from the graph."""

import dataclasses

import keras

from keras_bp.training._backprop_q_noise import noise_above
from keras_bp.training.stochastic_graph import slots_in


@dataclasses.dataclass(frozen=True)
class CriticInput:
    """One of the tensors that a critic sees.

    Attributes:
        kind: String, `"node"`, `"noise"` (what a layer such as `Dropout`
            makes), `"input"` (of the model) or `"target"`.
        name: String, of the node, of the layer, of the input, or of the
            output that the target belongs to.
        shape: Tuple, without the batch; class numbers have become one-hot.
        place: `Slot` of noise or of an input, or the number of classes of a
            node or target that holds their numbers, or None.
    """

    kind: str
    name: str
    shape: tuple
    place: object = None

    @property
    def classes(self):
        """The number of classes of what holds their numbers, else None."""
        return self.place if isinstance(self.place, int) else None


@dataclasses.dataclass(frozen=True)
class Plan:
    """The critic of one node.

    Attributes:
        name: String, the node.
        sources: Tuple of names, the costs below it: one head each.
        inputs: Tuple of `CriticInput`.
        own: Integer, which of the inputs is the sample of the node.
        children: Dictionary from a cost to the names of the nodes next below
            that lead to it, none where the cost itself is next.
        discounts: Dictionary from a cost to the factor between the cost and
            what the critic predicts of it.
    """

    name: str
    sources: tuple
    inputs: tuple
    own: int
    children: dict
    discounts: dict

    @property
    def scope(self):
        return tuple(x.name for x in self.inputs if x.kind == "node")

    @property
    def given(self):
        """Names of the steps whose outputs are known where this is asked."""
        kinds = ("node", "noise")
        return {x.name for x in self.inputs if x.kind in kinds}


def plans_of(graph, slots, losses, names, discount, target_shapes):
    """Plans the critics of some nodes.

    Args:
        graph: `StochasticGraph`.
        slots: Dictionary from a cost to its `Slot`.
        losses: Dictionary from an output to its `CompiledLoss`.
        names: Collection of names of nodes.
        discount: Float.
        target_shapes: Dictionary from an output to the shape of its targets
            without the batch.

    Returns:
        Dictionary from a name to its `Plan`.
    """
    outputs = {loss.name: (key, loss) for key, loss in losses.items()}
    factors = {
        cost: _discounts(graph, slot, names, discount)
        for cost, slot in slots.items()
    }
    found = {}
    for name in graph.nodes:
        if name not in names:
            continue
        sources = tuple(
            cost
            for cost, slot in slots.items()
            if name in graph.ancestors([slot])
        )
        inputs = _inputs(graph, name, [slots[cost] for cost in sources])
        inputs += [
            _target_input(*outputs[cost], target_shapes)
            for cost in sources
            if cost in outputs
        ]
        _check_shapes(name, inputs)
        own = [x.name for x in inputs if x.kind == "node"].index(name)
        children = {
            cost: children_of(graph, name, slots[cost]) for cost in sources
        }
        discounts = {cost: factors[cost][name] for cost in sources}
        found[name] = Plan(
            name, sources, tuple(inputs), own, children, discounts
        )
    return found


def _check_shapes(name, inputs):
    for each in inputs:
        if None in each.shape:
            raise ValueError(
                "BackpropQModel expects known shapes of what the critic of "
                f"the node {name!r} sees. Received: shape={each.shape} of the "
                f"{each.kind} {each.name!r}"
            )


def children_of(graph, name, slot):
    """Names of the nodes next below a node that lead to a cost."""
    return tuple(
        child
        for child in graph.ancestors([slot])
        if name
        in graph.parents([graph.nodes[child].args, graph.nodes[child].kwargs])
    )


def _discounts(graph, slot, names, discount):
    """The factor of each node: all samples of it have the same."""
    found = {}
    for name in reversed(graph.ancestors([slot])):
        below = [found[child] for child in children_of(graph, name, slot)]
        own = sum(below) / len(below) if below else 1.0
        found[name] = own * (discount if name in names else 1.0)
    return found


def _inputs(graph, name, slots):
    """The frontier of a node, and the inputs that reach costs around it."""
    step = graph.nodes[name]
    own = {*graph.ancestors([step.args, step.kwargs]), name}
    noise = noise_above(graph, name)
    steps = needed_steps(graph, {*own, *(x.name for x in noise)}, slots)
    read = {slot.index for step in steps for slot in slots_in(_given(step))}
    read |= {slot.index for slot in slots}
    nodes = [
        _node_input(graph, x)
        for x in graph.nodes
        if x in own and _out(graph, x) in read
    ]
    noises = [
        CriticInput("noise", each.name, tuple(slot.shape[1:]), slot)
        for each in noise
        for slot in slots_in(each.outputs)
        if slot.index in read
    ]
    named = graph.input_names
    inputs = [
        CriticInput("input", named[i], tuple(slot.shape[1:]), slot)
        for i, slot in enumerate(graph.inputs)
        if slot.index in read
    ]
    return nodes + noises + inputs


def _target_input(output, loss, shapes):
    """Targets as they are, but for the numbers of classes."""
    shape = tuple(shapes[output])
    if not loss.is_sparse:
        # What has one number for each example has a vector of one.
        return CriticInput("target", output, shape or (1,))
    known = tuple(loss.slot.shape[1:])
    if len(shape) == len(known):
        shape = shape[:-1]
    # The axis of the classes, which need not be the last.
    classes = [
        size
        for axis, size in enumerate(known)
        if known[:axis] + known[axis + 1 :] == shape
    ][-1:] or known[-1:]
    return CriticInput("target", output, (*shape, *classes), *classes)


def needed_steps(graph, given, slots):
    """The steps that make some tensors, where some nodes are given.

    Args:
        graph: `StochasticGraph`.
        given: Collection of names of nodes whose samples are known.
        slots: List of `Slot`.

    Returns:
        List of `Step`, in order.
    """
    wanted = {slot.index for slot in slots}
    found = []
    for step in reversed(graph.steps):
        made = {slot.index for slot in slots_in(step.outputs)}
        if step.name in given or not made & wanted:
            continue
        found.append(step)
        wanted |= {slot.index for slot in slots_in(_given(step))}
    return found[::-1]


def _given(step):
    return [step.args, step.kwargs]


def _out(graph, name):
    (slot,) = slots_in(graph.nodes[name].outputs)
    return slot.index


def _node_input(graph, name):
    step = graph.nodes[name]
    (slot,) = slots_in(step.outputs)
    shape = tuple(slot.shape[1:])
    if step.operation.distribution_name != "categorical":
        return CriticInput("node", name, shape)
    logits = slots_in(_given(step))[0]
    classes = logits.shape[-1]
    return CriticInput("node", name, (*shape, classes), classes)


def check_costs(graph, slots, names, owner):
    """Refuses a cost that no critic can reach.

    Args:
        graph: `StochasticGraph`.
        slots: Dictionary from a cost to its `Slot`.
        names: Names of the nodes with a critic.
        owner: String, who asks, for the message of an error.

    Raises:
        ValueError: No stochastic node is above it.
    """
    for cost, slot in slots.items():
        if not graph.ancestors([slot]):
            raise ValueError(
                f"{owner} expects each cost below a node with a critic. "
                f"Received: {cost!r}, which no critic can reach, because no "
                f"stochastic node is above it; critics are of {list(names)}. "
                "Train it by `add_loss` of a layer, or leave it out"
            )


def named_nodes(graph, nodes, owner):
    """The nodes that get a critic: those named, or all."""
    if not graph.nodes:
        raise ValueError(
            f"{owner} expects a model with a keras_bp.layers.StochasticNode in "
            "its graph. Received: a model without one"
        )
    if nodes is None:
        nodes = tuple(graph.nodes)
    unknown = [name for name in nodes if name not in graph.nodes]
    if unknown or not nodes or isinstance(nodes, str):
        raise ValueError(
            f"{owner} expects `nodes` to be names of stochastic nodes, of "
            f"{list(graph.nodes)}. Received: nodes={nodes!r}"
        )
    return tuple(name for name in graph.nodes if name in nodes)


def symbolic(plan, dtype):
    """Tensors without values, as the critic gets them."""
    return [
        keras.KerasTensor((None, *each.shape), dtype=dtype)
        for each in plan.inputs
    ]
