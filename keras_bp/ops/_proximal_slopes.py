"""First and second derivatives of activations, exact in their tails too."""

import dataclasses
import math

from keras import ops

_HALF = math.sqrt(0.5)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_GATE = math.sqrt(8.0 / math.pi)
_CUBIC = 0.044715
# Beyond, the slopes of a gated unit are 0 and 1, and cubes overflow.
_FAR = 20.0


def arctan_slopes(q):
    # Beyond, squares overflow.
    q = ops.clip(q, -1e15, 1e15)
    first = 1.0 / (1.0 + q * q)
    return first, -2.0 * q * first * first


def tanh_slopes(q):
    e = ops.exp(-2.0 * ops.abs(q))
    r = 1.0 / (1.0 + e)
    first = 4.0 * e * r * r
    twice = 2.0 * (1.0 - e) * r
    return first, first * ops.where(q < 0, twice, -twice)


def sigmoid_parts(q):
    """Sigmoid of `q` and of `-q`, neither of them by a difference from 1."""
    e = ops.exp(-ops.abs(q))
    r = 1.0 / (1.0 + e)
    return ops.where(q < 0, e * r, r), ops.where(q < 0, r, e * r)


def sigmoid_slopes(q):
    s, other = sigmoid_parts(q)
    first = s * other
    return first, first * (other - s)


def softplus_slopes(q):
    s, other = sigmoid_parts(q)
    return s, s * other


def silu_slopes(q):
    q = ops.clip(q, -80.0, 80.0)
    s, other = sigmoid_parts(q)
    first = s * (1.0 + q * other)
    return first, s * other * (2.0 + q * (other - s))


def gelu_slopes(q):
    q = ops.clip(q, -_FAR, _FAR)
    density = _DENSITY * ops.exp(-0.5 * q * q)
    first = 0.5 * ops.erfc(-_HALF * q) + q * density
    return first, density * (2.0 - q * q)


def gelu_tanh_slopes(q):
    q = ops.clip(q, -_FAR, _FAR)
    square = q * q
    s, other = sigmoid_parts(_GATE * q * (1.0 + _CUBIC * square))
    grade = _GATE * (1.0 + 3.0 * _CUBIC * square)
    first = s * (1.0 + q * grade * other)
    bend = (6.0 * _GATE * _CUBIC) * square + q * grade * grade * (other - s)
    return first, s * other * (2.0 * grade + bend)


@dataclasses.dataclass(frozen=True)
class Hill:
    """An activation that falls, and then rises.

    Attributes:
        slopes: Function from logits to first and second derivatives.
        zero: Float, where its slope is zero.
        inflection: Float, where its slope turns from concave to convex, to
            both sides of zero.
    """

    slopes: object
    zero: float
    inflection: float


HILLS = {
    "gelu": Hill(gelu_slopes, -0.7517915246935645, 2.0),
    "gelu_tanh": Hill(gelu_tanh_slopes, -0.7524614220710163, 2.0134807),
    "silu": Hill(silu_slopes, -1.2784645427610738, 3.4358409),
}
# Bounds of the first derivative of hills, above and below zero.
HIGHEST, LOWEST = 1.13, 0.13

SLOPES = {
    "arctan": arctan_slopes,
    "sigmoid": sigmoid_slopes,
    "softplus": softplus_slopes,
    "tanh": tanh_slopes,
    **{name: hill.slopes for name, hill in HILLS.items()},
}
# The largest second derivative: below its inverse, a root is unique.
BENDS = {
    "arctan": 0.6495191,
    "gelu": 0.7978846,
    "gelu_tanh": 0.7978846,
    "sigmoid": 0.0962251,
    "silu": 0.5,
    "softplus": 0.25,
    "tanh": 0.7698004,
}
