"""Where latents may move."""

from keras import ops

from keras_bp import _checks

CONSTRAINTS = ("sphere", "ball")


def check_constraint(constraint, owner):
    """Raises `ValueError` unless it is None or one of `CONSTRAINTS`."""
    if constraint is not None:
        _checks.check_one_of("constraint", constraint, CONSTRAINTS, owner=owner)


def norms(x):
    """Euclidean norm of each example, with axes of length 1 kept."""
    axes = tuple(range(1, len(x.shape)))
    return ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))


def tangent(direction, z, constraint):
    """The part of a direction that a sphere about zero leaves."""
    if constraint != "sphere":
        return direction
    axes = tuple(range(1, len(z.shape)))
    along = ops.sum(direction * z, axis=axes, keepdims=True)
    square = ops.sum(ops.square(z), axis=axes, keepdims=True)
    return direction - z * _divided(along, square)


def moved(z, step, constraint, radius):
    """Latents after a step, put back where they may be.

    Args:
        z: Float tensor `(batch, ...)`.
        step: Float tensor of its shape.
        constraint: String of `CONSTRAINTS`, or None.
        radius: Float tensor `(batch, 1, ...)`, of each sphere or ball.
    """
    z = z + step
    if constraint is None:
        return z
    scale = _divided(radius, norms(z))
    return z * (ops.minimum(scale, 1.0) if constraint == "ball" else scale)


def _divided(x, y):
    """Quotient, and zero where the divisor is zero."""
    none = ops.equal(y, 0)
    return ops.where(none, ops.zeros_like(x), x / ops.where(none, 1.0, y))
