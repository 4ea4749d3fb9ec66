"""What a traced model holds: rectifiers, and what no rule is defined for."""

import dataclasses

from keras_bp.visualization._composition import is_composed
from keras_bp.visualization._function_bodies import body_of, functions_of
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
        kept: Tuple of strings, sigmoids, tanh and softmax, and what the rule
            is not defined for, with the gradient that is theirs.
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


def inspect(operations, outputs, rule, unknown, followed=()):
    """Looks for rectifiers, and for what only looks like them.

    Args:
        operations: List of the graph operations that a model has made.
        outputs: Tensor that is attributed.
        rule: String.
        unknown: `"raise"`, or `"keep"` for leaving what has no rule its own
            gradient.
        followed: Set of names of the operations whose gradient was that of
            the rule.

    Returns:
        Tuples of names, of what is covered and what is kept.
    """
    reached = _ancestors(outputs)
    operations = [op for op in operations if op in reached]
    rectifiers = [op for op in operations if _is_rectifier(op)]
    covered = [op.name for op in rectifiers if op.name in followed]
    kept = [op.name for op in operations if op.type in _KEPT]
    if rule == "saliency":
        return (), tuple(kept)
    problems = [
        *_smooth(operations),
        *_hidden(operations),
        *_bypassed(operations, rectifiers, followed),
    ]
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
    import tensorflow as tf

    op = tensor.op
    while op.type in _PASSING:
        op = op.inputs[0].op
    if op.type not in ("Softmax", "Sigmoid"):
        return tensor, None
    found = op.inputs[0]
    if tensor.shape.rank != found.shape.rank or list(tensor.shape[1:]) != list(
        found.shape[1:]
    ):
        # What was reshaped behind it.
        found = tf.reshape(found, tf.shape(tensor))
        found.set_shape(tensor.shape)
    return found, op.name


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
        elif op.type in RECTIFIERS and op.inputs[0].op.type == "Neg":
            yield (
                "a rectifier of the negative part, as in PReLU or in ReLU with "
                f"`negative_slope` and `max_value` ({op.name})"
            )
        elif op.type == "SelectV2" and _is_threshold(op):
            yield f"a rectifier with a threshold ({op.name})"
        elif is_composed(op):
            yield f"a self-gated unit, as swish or GELU ({op.name})"


def _bypassed(operations, rectifiers, followed):
    """Texts about rectifiers inside of functions with their own gradient."""
    left = [op for op in operations if _has_own_gradient(op)]
    inside = set()
    while left:
        for x in left.pop().inputs:
            if x.op not in inside and x.op.type != "StopGradient":
                inside.add(x.op)
                left.append(x.op)
    for op in rectifiers:
        if op in inside and op.name not in followed:
            yield (
                "a rectifier in a function with a gradient of its own, as "
                "`custom_gradient`, rematerialization or GuidedReLU "
                f"({op.name})"
            )


def _has_own_gradient(op):
    return op.type == "IdentityN" and "_gradient_op_type" in op.node_def.attr


def _hidden(operations):
    """Texts about functions that were traced before, or run in loops."""
    library = None
    for op in operations:
        names = functions_of(op.node_def)
        if names and library is None:
            library = {
                function.signature.name: function
                for function in op.graph.as_graph_def().library.function
            }
        kinds = _kinds_inside(library, names) if names else ()
        if kinds:
            yield (
                f"a `tf.function`, loop or branch with {sorted(kinds)} "
                f"inside ({op.name}); call the plain Python function, "
                "and give recurrent layers `unroll=True`"
            )


def _kinds_inside(library, names):
    """Types of rectifiers inside functions and those that they call."""
    found, left, seen = set(), list(names), set()
    while left:
        name = left.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for op in body_of(library[name]):
            if _is_rectifier(op) or any(_smooth([op])):
                found.add(op.type)
            left += functions_of(op.node_def)
    return found


def _is_threshold(op):
    """Whether a choice is of a tensor, where it is above a number."""
    test = op.inputs[0].op
    return (
        test.type in ("Greater", "GreaterEqual")
        and any(x.ref() == op.inputs[1].ref() for x in test.inputs)
        and constant(op.inputs[2]) is not None
    )
