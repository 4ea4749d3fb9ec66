"""What a traced step exchanges with all workers."""

import math

_REDUCE, _GATHER = "CollectiveReduce", "CollectiveGather"


def collectives(graph):
    """Counts the collective operations of a graph, and of what it calls.

    Args:
        graph: `tf.Graph`, with static shapes of what is reduced.

    Returns:
        Dictionary with `"bytes"`, what is all-reduced, and the numbers of
        `"reductions"` and of `"gathers"`.

    Raises:
        ValueError: There is another collective operation, one in a loop or in
            a branch, or an all-reduce of unknown shape.
    """
    definition = graph.as_graph_def(add_shapes=True)
    functions = {f.signature.name: f for f in definition.library.function}
    nodes = list(_nodes(definition.node, functions))
    sizes = [_bytes_of(node) for node in nodes if node.op.startswith(_REDUCE)]
    return {
        "bytes": sum(sizes),
        "reductions": len(sizes),
        "gathers": len(nodes) - len(sizes),
    }


def _nodes(nodes, functions):
    """Each collective operation, as often as it runs."""
    for node in nodes:
        if node.op.startswith((_REDUCE, _GATHER)):
            yield node
        elif node.op.startswith("Collective"):
            _refuse("all-reduces and all-gathers alone", node)
        for name in _called(node):
            inner = list(_nodes(functions[name].node_def, functions))
            if inner and "PartitionedCall" not in node.op:
                _refuse("none that may run another number of times", node)
            yield from inner


def _refuse(expected, node):
    raise ValueError(
        f"`collectives` expects {expected} in a step. "
        f"Received: {node.op} {node.name!r}"
    )


def _called(node):
    """Names of functions that a node runs."""
    for value in node.attr.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func.name
        elif kind == "list":
            yield from (each.name for each in value.list.func)


def _bytes_of(node):
    import tensorflow as tf

    (shape,) = node.attr["_output_shapes"].list.shape
    sizes = [dim.size for dim in shape.dim]
    if shape.unknown_rank or min(sizes, default=1) < 0:
        _refuse("all-reduces of static shape", node)
    return math.prod(sizes) * tf.as_dtype(node.attr["T"].type).size
