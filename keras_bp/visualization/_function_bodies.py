"""The operations inside of functions that a graph calls."""


def functions_of(node):
    """Names of the functions that an operation calls."""
    names = []
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            names.append(attribute.func.name)
        names += [one.name for one in attribute.list.func]
    return names


class _BodyTensor:
    """A tensor in the body of a function, as far as it is looked at here."""

    def __init__(self, name, op):
        self.name, self.op, self.value_of_body = name, op, None

    def ref(self):
        return self.name


class _BodyOperation:
    """An operation in the body of a function."""

    def __init__(self, name, kind, node_def=None):
        self.name, self.type, self.node_def = name, kind, node_def
        self.inputs = []


def body_of(function):
    """The operations of a function, with their inputs."""
    import tensorflow as tf

    nodes = {
        argument.name: _BodyOperation(argument.name, "Placeholder")
        for argument in function.signature.input_arg
    }
    own = [_BodyOperation(n.name, n.op, n) for n in function.node_def]
    nodes.update({op.name: op for op in own})
    for op in own:
        for name in op.node_def.input:
            if name.startswith("^"):
                continue
            source = nodes[name.split(":")[0]]
            tensor = _BodyTensor(name, source)
            if source.type == "Const":
                value = source.node_def.attr["value"].tensor
                tensor.value_of_body = tf.make_ndarray(value)
            op.inputs.append(tensor)
    return own
