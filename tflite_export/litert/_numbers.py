"""Numbers of the exact profile, and the ends of what they can be."""

import dataclasses

import numpy as np

_LOWEST, _HIGHEST = -(2**31), 2**31 - 1

# Bits of the lower limb of a number in two limbs, at least.
BASE = 8


@dataclasses.dataclass(frozen=True)
class Whole:
    """An int32 tensor.

    Args:
        tensor: Integer, its index in the graph.
        low: Integer, the least that an entry can be.
        high: Integer, the largest.
    """

    tensor: int
    low: int
    high: int


@dataclasses.dataclass(frozen=True)
class Wide:
    """`upper * 2^base + lower`, which need not fit into 32 bits.

    Args:
        upper: `Whole`.
        lower: `Whole`.
        base: Positive integer.
        low: Integer, the least that an entry can be.
        high: Integer, the largest.
    """

    upper: Whole
    lower: Whole
    base: int
    low: int
    high: int


def fits(low, high):
    """Whether int32 holds every number from `low` to `high`."""
    return low >= _LOWEST and high <= _HIGHEST


def product_ends(a, b):
    """The ends of the product of two numbers, of a square if one."""
    ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    if a == b:
        least = 0 if a.low <= 0 <= a.high else min(ends)
        return least, max(ends)
    return min(ends), max(ends)


def sum_ends(frames, kernel):
    """The ends of every partial sum that `weigh` can meet."""
    ends = np.stack(
        [kernel.astype(object) * end for end in (0, frames.low, frames.high)]
    )
    low = ends.min(axis=0).sum(axis=0).min()
    return int(low), int(ends.max(axis=0).sum(axis=0).max())


def base_of(value):
    """Bits of the lower limb of a number, or those that it would get."""
    return value.base if isinstance(value, Wide) else BASE


def base_for(low, high):
    """Bits of the lower limb with which the upper one surely fits."""
    return max(BASE, max(-low, high).bit_length() - 30)
