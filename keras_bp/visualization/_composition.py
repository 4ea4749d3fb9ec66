"""Activation functions that are put together from simpler operations."""

from keras_bp.visualization._rules import constant

# Through which a tensor gates itself in swish, GELU and their kind.
_ELEMENTWISE = (
    "Abs",
    "Add",
    "AddV2",
    "BiasAdd",
    "Cast",
    "Erf",
    "Erfc",
    "Exp",
    "ExpandDims",
    "Greater",
    "GreaterEqual",
    "Identity",
    "IdentityN",
    "Less",
    "LessEqual",
    "Log",
    "Log1p",
    "Maximum",
    "Minimum",
    "Mul",
    "Neg",
    "Pack",
    "Pow",
    "RealDiv",
    "Reciprocal",
    "Relu",
    "Relu6",
    "Reshape",
    "SelectV2",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Sqrt",
    "Square",
    "Squeeze",
    "StopGradient",
    "Sub",
    "Tanh",
)
# Where a tensor meets a function of its own entries.
_BENT_MERGES = ("Maximum", "Minimum", "Mul", "RealDiv", "SelectV2")
_MERGES = ("Add", "AddV2", "Sub", *_BENT_MERGES)
# Nonlinear functions that bend a sum, other than rectifiers.
_BENT = ("Abs", "Exp", "Log", "Log1p", "Minimum", "Sign", "Sqrt")
_DEPTH = 8


def is_composed(op):
    """Whether an activation function is put together from a tensor.

    Two operands that are functions, entry by entry, of one tensor: of its
    product with another function, of the larger of the two, and of a choice;
    of sums only if one is a nonlinear function that is no rectifier.
    """
    if op.type not in _MERGES or not _is_real(op):
        return False
    sides = [x for x in op.inputs if constant(x) is None]
    if len(sides) < 2:
        return False
    (first, *rest) = [_sources(x) for x in sides]
    for other in rest:
        for ref in first.keys() & other.keys():
            bent = first[ref] or other[ref]
            if op.type in _BENT_MERGES or bent:
                return True
    return False


def _is_real(op):
    """Whether an operation is one of floating-point numbers."""
    import tensorflow as tf

    return tf.dtypes.as_dtype(op.node_def.attr["T"].type).is_floating


def _sources(tensor):
    """What a tensor is an elementwise function of, and if it is bent."""
    found, seen = {tensor.ref(): False}, set()
    left = [(tensor, False, 0)]
    while left:
        tensor, bent, depth = left.pop(0)
        op = tensor.op
        if depth == _DEPTH or op.type not in _ELEMENTWISE:
            continue
        bent = bent or op.type in _BENT
        for x in op.inputs:
            if constant(x) is None and (x.ref(), bent) not in seen:
                seen.add((x.ref(), bent))
                found[x.ref()] = bent or found.get(x.ref(), False)
                left.append((x, bent, depth + 1))
    return found
