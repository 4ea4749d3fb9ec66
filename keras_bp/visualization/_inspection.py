"""What a traced model holds: rectifiers, and what no rule is defined for."""

import dataclasses

from keras_bp.visualization._rules import (
    RECTIFIERS,
    constant,
    is_behind_rectifier,
    zero_side,
)

# Smooth relatives of rectifiers.
_SMOOTH = {
    "Elu": "ELU",
    "Expm1": "CELU",
    "Selu": "SELU",
    "Softplus": "softplus",
    "Erf": "GELU",
    "Erfc": "GELU",
}
# Squashing functions, which gate and do not rectify.
_KEPT = ("Sigmoid", "Tanh", "Softmax")
# Through which a tensor gates itself in swish, GELU and their kind.
_ELEMENTWISE = (
    "Add",
    "AddV2",
    "BiasAdd",
    "Cast",
    "Erf",
    "Erfc",
    "Greater",
    "GreaterEqual",
    "Identity",
    "IdentityN",
    "Maximum",
    "Minimum",
    "Mul",
    "Neg",
    "Pow",
    "RealDiv",
    "Relu",
    "Relu6",
    "Sigmoid",
    "Softplus",
    "Sub",
    "Tanh",
)
_DEPTH = 8
# How many problems a message names.
_MOST = 3
# Operations that pass a tensor on as it is.
_PASSING = ("Identity", "IdentityN", "Cast", "Reshape", "Squeeze")


@dataclasses.dataclass(frozen=True)
class AttributionReport:
    """What a rule has reached in a model.

    Attributes:
        covered: Tuple of strings, the rectifiers that follow the rule, by
            their place in the model, such as `"block/conv/Relu"`.
        kept: Tuple of strings, other nonlinear operations, with the gradient
            that is theirs.
        stripped: String or None, the final softmax or sigmoid that was left
            out.
    """

    covered: tuple
    kept: tuple
    stripped: str | None


class RectifierNotCovered(ValueError):
    """A rule cannot be applied to all of a model.

    Args:
        message: String.
    """

    def __init__(self, message):
        super().__init__(message)


def inspect(operations, outputs, rule, unknown):
    """Looks for rectifiers, and for what only looks like them.

    Args:
        operations: List of the graph operations that a model has made.
        outputs: Tensor that is attributed.
        rule: String.
        unknown: `"raise"`, or `"keep"` for leaving what has no rule its own
            gradient.

    Returns:
        Tuples of names, of what is covered and what is kept.
    """
    reached = _ancestors(outputs)
    operations = [op for op in operations if op in reached]
    covered = [op.name for op in operations if _is_rectifier(op)]
    kept = [op.name for op in operations if op.type in _KEPT]
    if rule == "saliency":
        return (), (*covered, *kept)
    problems = [*_smooth(operations), *_hidden(operations)]
    if problems and unknown == "raise":
        raise RectifierNotCovered(
            f"The rule {rule!r} is defined for rectifiers. This model also "
            f"holds {_told(problems)}. With `unknown='keep'` these keep their "
            "own gradient."
        )
    if not covered:
        raise RectifierNotCovered(
            f"The rule {rule!r} expects a model with a rectifier (ReLU, ReLU6 "
            "or leaky ReLU) between its inputs and what is attributed. "
            "Received: a model without one"
        )
    return tuple(covered), (*kept, *problems)


def _told(problems):
    more = len(problems) - _MOST
    text = "; ".join(problems[:_MOST])
    return f"{text}; and {more} more" if more > 0 else text


def before_squashing(tensor):
    """The logits of a final softmax or sigmoid, and its name, or None."""
    op = tensor.op
    while op.type in _PASSING:
        op = op.inputs[0].op
    if op.type not in ("Softmax", "Sigmoid"):
        return tensor, None
    return op.inputs[0], op.name


def _is_rectifier(op):
    if op.type in RECTIFIERS:
        return True
    side = zero_side(op) if op.type == "Maximum" else None
    return side is not None and not is_behind_rectifier(op.inputs[1 - side].op)


def _ancestors(tensor):
    """The operations that a tensor depends on."""
    found, left = set(), [tensor.op]
    while left:
        op = left.pop()
        if op not in found:
            found.add(op)
            left += [x.op for x in op.inputs]
    return found


def _smooth(operations):
    """Texts about functions that are not rectifiers, but take their place."""
    for op in operations:
        if op.type in _SMOOTH:
            yield f"{_SMOOTH[op.type]} ({op.name})"
        elif op.type == "Mul" and _gates_itself(op):
            yield f"a self-gated unit, as swish or GELU ({op.name})"
        elif op.type in RECTIFIERS and op.inputs[0].op.type == "Neg":
            yield (
                "a rectifier of the negative part, as in PReLU or in ReLU with "
                f"`negative_slope` and `max_value` ({op.name})"
            )
        elif op.type == "SelectV2" and _is_threshold(op):
            yield f"a rectifier with a threshold ({op.name})"


def _hidden(operations):
    """Texts about functions that were traced before, or run in loops."""
    for op in operations:
        names = [
            attribute.func.name
            for attribute in op.node_def.attr.values()
            if attribute.HasField("func")
        ]
        for name in names:
            kinds = _kinds_inside(op.graph, name)
            if kinds & {*RECTIFIERS, *_SMOOTH}:
                yield (
                    f"a `tf.function`, loop or branch with {sorted(kinds)} "
                    f"inside ({op.name}); call the plain Python function, "
                    "and give recurrent layers `unroll=True`"
                )
                break


def _kinds_inside(graph, name):
    """Types of rectifiers inside a function and those that it calls."""
    library = {
        function.signature.name: function
        for function in graph.as_graph_def().library.function
    }
    found, left, seen = set(), [name], set()
    while left:
        name = left.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for node in library[name].node_def:
            if node.op in RECTIFIERS or node.op in _SMOOTH:
                found.add(node.op)
            left += [
                a.func.name for a in node.attr.values() if a.HasField("func")
            ]
    return found


def _gates_itself(op):
    """Whether a product is that of a tensor and a function of its entries."""
    for place in range(2):
        factor, other = op.inputs[place], op.inputs[1 - place]
        if constant(other) is not None or constant(factor) is not None:
            continue
        if _reaches(other, _scaled(factor), _DEPTH):
            return True
    return False


def _scaled(tensor):
    """The identities of a tensor, and of what it is a multiple of."""
    found = {tensor.ref()}
    for _ in range(_DEPTH):
        op = tensor.op
        if op.type not in ("Mul", "Identity", "Cast"):
            break
        rest = [x for x in op.inputs if constant(x) is None]
        if len(rest) != 1:
            break
        tensor = rest[0]
        found.add(tensor.ref())
    return found


def _reaches(tensor, goals, depth):
    """Whether elementwise functions of one of some tensors lead to another."""
    op = tensor.op
    if depth == 0 or op.type not in _ELEMENTWISE:
        return False
    return any(
        x.ref() in goals or _reaches(x, goals, depth - 1) for x in op.inputs
    )


def _is_threshold(op):
    """Whether a choice is of a tensor, where it is above a number."""
    test = op.inputs[0].op
    return (
        test.type in ("Greater", "GreaterEqual")
        and any(x is op.inputs[1] for x in test.inputs)
        and constant(op.inputs[2]) is not None
    )
