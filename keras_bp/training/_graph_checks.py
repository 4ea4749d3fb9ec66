"""What would be silently wrong in a stochastic graph."""

from keras_bp._backend import check_tensorflow
from keras_bp.layers.stochastic_node import StochasticNode
from keras_bp.training.stochastic_graph import slots_in


def check_graph(graph, losses, objective):
    """Refuses a graph whose estimators do not get what they need.

    Args:
        graph: `StochasticGraph`.
        losses: Dictionary from an output to its `CompiledLoss`.
        objective: String, see `SurrogateModel`.

    Raises:
        ValueError: What it is, at which node.
        RuntimeError: Keras runs on another backend than TensorFlow.
    """
    check_tensorflow("A stochastic graph", "to train, for its tape")
    costs = [step.outputs for step in graph.costs.values()]
    costs += [loss.slot for loss in losses.values()]
    if not costs:
        raise ValueError(
            "SurrogateModel expects a cost: a keras_bp.layers.CostNode above "
            "one of the outputs, or a loss given to `compile`. Received: none"
        )
    _check_seeds(graph)
    weighed = set(graph.ancestors(costs))
    for name, step in graph.nodes.items():
        if name not in weighed:
            raise ValueError(
                f"SurrogateModel expects a cost below the node {name!r}: "
                "nothing else trains it. Make a CostNode below it an output, "
                "or give a loss. Received: costs "
                f"{[*graph.costs, *(x.name for x in losses.values())]}"
            )
        _check_samples(graph, name, step.operation)
    if objective == "multi_sample_bound":
        _check_bound(graph)
    else:
        _check_no_bound(graph)


def _check_seeds(graph):
    """Nodes of one seed would draw the same noise, and follow each other."""
    seen = {}
    for name, step in graph.nodes.items():
        node = step.operation
        other = seen.setdefault(node.seed, node)
        # One node that is applied twice draws on from the first time.
        same = other.seed_generator is node.seed_generator
        if node.seed is not None and not same:
            raise ValueError(
                "SurrogateModel expects nodes with a `seed` of their own, or "
                "None: nodes of one seed draw the same noise. Received: "
                f"seed={node.seed} for {other.name!r} and {name!r}"
            )


def _sampled(graph, names):
    return [
        name
        for name in names
        if graph.nodes[name].operation.samples > 1
        and not graph.nodes[name].operation.rule.enumerates
    ]


def _check_samples(graph, name, node):
    needed = node.rule.min_samples
    if needed == 1 or _sampled(graph, [name, *graph.above(name)]):
        return
    raise ValueError(
        f"SurrogateModel expects `samples` of {needed} or more at the node "
        f"{name!r} or at a node above it: the estimator {node.rule.name!r} "
        f"compares samples of one example. Received: samples={node.samples}"
    )


def _check_bound(graph):
    sampled = _sampled(graph, graph.nodes)
    if len(sampled) != 1:
        raise ValueError(
            "SurrogateModel expects one node with several `samples` for the "
            f"objective 'multi_sample_bound'. Received: {sampled}"
        )
    for name, step in graph.nodes.items():
        rule = step.operation.rule
        if rule.kind == "cost" and rule.name not in ("score", "vimco"):
            raise ValueError(
                "SurrogateModel has the estimators 'score', 'vimco' and local "
                "ones for the objective 'multi_sample_bound'. Received: "
                f"{rule.name!r} at the node {name!r}"
            )


def _check_no_bound(graph):
    for name, step in graph.nodes.items():
        if step.operation.rule.name == "vimco":
            raise ValueError(
                "SurrogateModel expects the objective 'multi_sample_bound' "
                "for the estimator 'vimco'. Received: 'expected_cost' with "
                f"'vimco' at the node {name!r}"
            )


def local_values(run):
    """The samples of nodes with a local estimator, by name.

    Nodes with nothing to train above them are left out: no gradient is wanted
    of their samples.
    """
    return {
        name: run.draws[name].value
        for name, step in run.graph.nodes.items()
        if step.operation.rule.kind == "local"
        and name not in run.weights
        and _trains(run.graph, step)
    }


def _trains(graph, step):
    """Whether a gradient of the inputs of a step reaches a weight."""
    makers = {
        slot.index: maker
        for maker in graph.steps
        for slot in slots_in(maker.outputs)
    }
    left = slots_in([step.args, step.kwargs])
    while left:
        maker = makers.get(left.pop().index)
        if maker is None or _holds(maker.operation):
            continue
        if getattr(maker.operation, "trainable_variables", ()):
            return True
        left += slots_in([maker.args, maker.kwargs])
    return False


def _holds(operation):
    rule = getattr(operation, "rule", None)
    return isinstance(operation, StochasticNode) and rule.kind == "cost"


def check_paths(gradients):
    """Refuses a node whose sample the costs do not depend on by a path."""
    for name, gradient in gradients.items():
        if gradient is None:
            raise ValueError(
                "SurrogateModel expects a differentiable path from the node "
                f"{name!r} to a cost, because its estimator is local. The "
                "gradient is None: something between them is an integer or "
                "stops it. Use a cost estimator such as 'score'"
            )
