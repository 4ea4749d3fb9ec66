"""The order of reading and writing weights in a graph of TensorFlow."""


def assert_written_last(graph):
    """No optimizer writes before all gradients that read it are computed.

    Read several times, a weight may be read for the gradients of others.

    Args:
        graph: `tf.Graph` of a train step by SGD.
    """
    several = 0
    for each in graph.get_operations():
        # What the optimizers write.
        if each.type != "AssignSubVariableOp":
            continue
        reads = {
            x.name for x in each.control_inputs if x.type == "ReadVariableOp"
        }
        # The order of these is kept by nothing but a path.
        wanted = reads & _above(each, split=False)
        assert wanted <= _above(each, split=True)
        several += len(wanted) > 1
    assert several


def _above(write, split):
    """Names of all operations that the value waits for that is written.

    The gradients of an optimizer go through one operation, which waits for all
    of them; TensorFlow splits it, and then each waits for itself alone.
    """
    found, left = set(), [write.inputs[1]]
    while left:
        each = left.pop()
        key = each.name if split else each.op.name
        if key in found:
            continue
        found.add(key)
        inputs, operation = list(each.op.inputs), each.op
        if split and operation.type == "IdentityN":
            inputs = [inputs[each.value_index]]
        left += inputs
        for waited in operation.control_inputs:
            left += waited.outputs or waited.inputs
    return {name.split(":")[0] for name in found}
