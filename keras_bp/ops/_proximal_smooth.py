"""Proximal steps of units with a smooth activation, by guarded root finding.

The logit moves by `tau >= 0` in a direction, -1 or 1. With the slope `m` of
the activation there, without its sign, and `a = k |b|`, the step ends at the
first root of `f = tau - a m`. Where `m` rises from its tail it is convex, so
`f` rises, falls, and rises again: its first top tells whether there is a root
before it, and else there is one root beyond it.
"""

import dataclasses
import functools
import math

from keras import ops

from keras_bp.ops._lambert_w import smallest_root
from keras_bp.ops._proximal_closed import arctan_unit
from keras_bp.ops._proximal_slopes import (
    BENDS,
    HIGHEST,
    HILLS,
    LOWEST,
    SLOPES,
    softplus_slopes,
    tanh_slopes,
)
from keras_bp.ops._wide import by_precision

_TINY = 1e-30
# Steps for float32 and float64; halves approach what is nearly a double root.
_STEPS = (6, 16)
_HILL_STEPS = (10, 20)
_CLIMBS = (10, 22)
_CONTRACTIONS = (2, 4)
# Of `k |b|` times the largest second derivative: from 1 on, roots are several.
_MILD = 0.25
_TANH_BOUND = 0.75 * math.sqrt(3.0)


@dataclasses.dataclass(frozen=True)
class Problem:
    """`tau = a m(tau)`.

    Attributes:
        slopes: Function from logits to first and second derivatives.
        c: Tensor, logits.
        a: Tensor, zero or greater.
        direction: Tensor of -1 and 1.
        sign: Tensor of -1 and 1, of the slopes on the path, or 1.
        by_line: None, or boolean tensor: where the slope falls to zero, and
            Newton's step is taken for `f` itself, not for its logarithm.
    """

    slopes: object
    c: object
    a: object
    direction: object
    sign: object = 1.0
    by_line: object = None

    def at(self, tau):
        """The slope and its derivative along the path."""
        first, second = self.slopes(self.c + self.direction * tau)
        return self.sign * first, self.sign * self.direction * second


def smooth_unit(c, b, k, name):
    """`u` of `proximal_unit` for smooth activations."""
    largest = BENDS[name] * ops.max(k * ops.abs(b), initial=0.0)

    def search():
        return _UNITS[name](c, b, k)

    def contract():
        return _contract(c, b, k, SLOPES[name])

    # As with most learning rates; several times as quick.
    return ops.cond(largest < _MILD, contract, search)


def _contract(c, b, k, slopes):
    """The root by Newton's steps for `u`, where it is unique by far."""
    first, _ = slopes(c)
    u = b * first
    for _ in range(by_precision(u, *_CONTRACTIONS)):
        first, second = slopes(c - k * u)
        steepness = k * b * second
        u = (b * first + steepness * u) / (1.0 + steepness)
    return u


def tanh_unit(c, b, k):
    """`u` of `proximal_unit` for `"tanh"`."""
    a = k * ops.abs(b)
    direction = _sign(b < 0, c)
    start = direction * c
    first, _ = tanh_slopes(c)
    ahead = start < 0
    slope = ops.where(ahead, 1.0, first)
    high = 0.5 * ops.log1p(8.0 * a * slope) - ops.minimum(start, 0.0)
    high = ops.minimum(a * slope, high)
    top, reach = _tanh_top(a)
    folds = ops.logical_and(ahead, a > _TANH_BOUND)
    low, high = _sides(folds, start, top, reach, high)
    guess = _exponential_guess(2.0 * a * first, 0.5, high)
    guess = ops.where(ahead, guess, high)
    problem = Problem(tanh_slopes, c, a, direction)
    tau = _solve(problem, low, high, guess, _STEPS)
    return _settle(problem, b, k, tau)


def _tanh_top(a):
    """Where on the path the first top is, and `a m` there.

    There `m' = 2 m sqrt(1 - m) = 1 / a`. Only `m` is approximate, to 1e-4, so
    that `f` misses its top by less than 3e-9 of `a m`.
    """
    h = 0.5 / ops.maximum(a, _TANH_BOUND)
    v = ops.sqrt(ops.maximum(1.0 - (2.0 * _TANH_BOUND) * h, 0.0))
    m = 0.0
    for coefficient in _TOP:
        m = m * v + coefficient
    m = h * m
    top = ops.log(ops.sqrt(m) / (1.0 + ops.sqrt(1.0 - m)))
    return top, m * (0.5 / h)


# Of `m / h` in powers of `v`, from the fifth down.
_TOP = (-0.1372606, 0.5475556, -1.0157184, 1.2816681, -1.4082398, 1.7319157)


def sigmoid_unit(c, b, k):
    """`u` of `proximal_unit` for `"sigmoid"`, of half the logit a tanh."""
    return tanh_unit(0.5 * c, 0.25 * b, 0.5 * k)


def softplus_unit(c, b, k):
    """`u` of `proximal_unit` for `"softplus"`."""
    a = k * ops.abs(b)
    first, _ = softplus_slopes(c)
    up = b < 0
    high = ops.maximum(c, 0.0) + ops.log1p(2.0 * a * first)
    high = ops.where(up, a, ops.minimum(a * first, high))
    bounded = ops.maximum(a, 4.0)
    s = (2.0 / bounded) / (1.0 + ops.sqrt(1.0 - 4.0 / bounded))
    top, reach = ops.log(s / (1.0 - s)), bounded * s
    folds = ops.logical_and(up, a > 4.0)
    low, high = _sides(folds, c, top, reach, high)
    guess = _exponential_guess(a * first, 1.0, high)
    guess = ops.where(ops.logical_and(up, c < 0), guess, high)
    problem = Problem(softplus_slopes, c, a, _sign(up, c))
    return _settle(problem, b, k, _solve(problem, low, high, guess, _STEPS))


def hill_unit(c, b, k, name):
    """`u` of `proximal_unit` for `"gelu"`, `"gelu_tanh"` and `"silu"`."""
    hill = HILLS[name]
    a = k * ops.abs(b)
    right, down = c > hill.zero, b > 0
    up = ops.logical_xor(right, down)
    direction, sign = _sign(up, c), _sign(right, c)
    # To the valley, or away from it, to the right, or to the left.
    bend = ops.where(
        up, ops.where(down, -hill.inflection, 0.0), hill.inflection
    )
    bend = ops.cast(bend, c.dtype)
    bend = ops.maximum(direction * (bend - c), 0.0)
    bend = ops.where(ops.logical_or(up, down), bend, 0.0)
    valley = ops.minimum(HIGHEST * a, ops.abs(c - hill.zero))
    tail = 2.0 * ops.log1p(0.37 * a * ops.exp(-0.5 * ops.abs(c)))
    away = ops.where(up, HIGHEST * a, ops.minimum(LOWEST * a, tail))
    high = ops.where(down, valley, away)
    problem = Problem(hill.slopes, c, a, direction, sign, down)
    climbed, inside = _climb(problem, bend)
    low = ops.where(inside, 0.0, ops.minimum(bend, high))
    first, _ = problem.at(ops.zeros_like(a))
    guess = ops.where(down, ops.minimum(a * first, high), high)
    solved = _solve(problem, low, high, ops.maximum(guess, low), _HILL_STEPS)
    return _settle(problem, b, k, ops.where(inside, climbed, solved))


def _sign(positive, like):
    return ops.cast(ops.where(positive, 1.0, -1.0), like.dtype)


def _sides(folds, start, top, reach, high):
    """The bracket before the first top or beyond it, with one root inside.

    Args:
        folds: Boolean tensor, whether there is a top.
        start: Tensor, where the path begins.
        top: Tensor, where on the path the top is.
        reach: Tensor, `a m` there.
        high: Tensor, a bound of the root.
    """
    climb = ops.maximum(top - start, 0.0)
    before = climb >= reach
    low = ops.where(ops.logical_or(before, ops.logical_not(folds)), 0.0, climb)
    return low, ops.where(ops.logical_and(before, folds), climb, high)


def _exponential_guess(size, width, high):
    """The first root for a slope that grows by e over `width`."""
    found = width * smallest_root(size, steps=0)
    return ops.where(size < 1.0 / math.e, found, high)


def _solve(problem, low, high, tau, steps):
    """The root in a bracket, by Newton's steps for `log(tau / (a m))`."""
    zero = ops.zeros_like(problem.a)
    state = (low + zero, high + zero, tau + zero)

    def step(_, state):
        return _step(problem, *state)

    # In a loop: unrolled, XLA repeats what the steps share.
    return ops.fori_loop(0, by_precision(tau, *steps), step, state)[2]


def _step(problem, low, high, tau):
    a = problem.a
    tau = ops.maximum(tau, _TINY)
    slope, bend = problem.at(tau)
    slope = ops.maximum(slope, _TINY)
    met = ops.maximum(a * slope, _TINY)
    before = tau < met
    low, high = ops.where(before, tau, low), ops.where(before, high, tau)
    step = ops.log(met / tau) * slope / (slope - tau * bend)
    # About exp(step), and positive.
    size = ops.abs(step)
    grown = 1.0 + size + 0.5 * size * size
    new = ops.where(step < 0, tau / grown, tau * grown)
    if problem.by_line is not None:
        line = tau - (tau - met) / (1.0 - a * bend)
        new = ops.where(problem.by_line, line, new)
    inside = ops.logical_and(new >= low, new <= high)
    return low, high, ops.where(inside, new, 0.5 * (low + high))


def _climb(problem, bend):
    """Newton's steps for `f` from zero, where it is concave, up to `bend`.

    They rise to a root without passing it; where there is none they leave.

    Returns:
        Tensor, and a boolean tensor, whether they stayed.
    """
    zero = ops.zeros_like(problem.a)

    def step(_, state):
        tau, inside = state
        slope, rise = problem.at(tau)
        grade = 1.0 - problem.a * rise
        new = tau - (tau - problem.a * slope) / ops.maximum(grade, _TINY)
        stays = ops.logical_and(grade > 0, new < bend)
        inside = ops.logical_and(inside, stays)
        return ops.where(inside, new, tau), inside

    steps = by_precision(zero, *_CLIMBS)
    return ops.fori_loop(0, steps, step, (zero, bend > zero))


def _settle(problem, b, k, tau):
    """`u` from the move of the logit, by the more exact of two formulas."""
    first, second = problem.slopes(problem.c + problem.direction * tau)
    by_move = -problem.direction * tau / ops.maximum(k, _TINY)
    return ops.where(k * b * second > 1.0, by_move, b * first)


_UNITS = {
    "arctan": arctan_unit,
    "sigmoid": sigmoid_unit,
    "softplus": softplus_unit,
    "tanh": tanh_unit,
    **{name: functools.partial(hill_unit, name=name) for name in HILLS},
}
