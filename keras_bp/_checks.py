"""Argument checks that name who expects what, and what was received."""

import math
import numbers


def check_one_of(name, value, known, *, owner):
    """Raises `ValueError` unless `value` is one of the strings `known`."""
    if value not in tuple(known):
        raise ValueError(
            f"{owner} expects `{name}` to be one of {sorted(known)}. "
            f"Received: {name}={value!r}"
        )


def check_positive(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number above zero."""
    if not _is_finite_real(value) or value <= 0:
        raise ValueError(
            f"{owner} expects `{name}` to be greater than zero. "
            f"Received: {name}={value!r}"
        )


def check_not_negative(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number, zero or above."""
    if not _is_finite_real(value) or value < 0:
        raise ValueError(
            f"{owner} expects `{name}` to be zero or greater. "
            f"Received: {name}={value!r}"
        )


def check_number(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number."""
    if not _is_finite_real(value):
        raise ValueError(
            f"{owner} expects `{name}` to be a finite number. "
            f"Received: {name}={value!r}"
        )


def check_rate(name, value, *, owner):
    """Raises `ValueError` unless `value` lies in `[0, 1)`."""
    if not _is_finite_real(value) or not 0 <= value < 1:
        raise ValueError(
            f"{owner} expects `{name}` to be in [0, 1). "
            f"Received: {name}={value!r}"
        )


def check_integer(name, value, *, owner, minimum=None, maximum=None):
    """Raises unless `value` is an integer in `[minimum, maximum]`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(
            f"{owner} expects `{name}` to be an integer. "
            f"Received: {name}={value!r} (of type "
            f"{type(value).__module__}.{type(value).__name__})"
        )
    if minimum is not None and value < minimum:
        raise ValueError(
            f"{owner} expects `{name}` to be {minimum} or greater. "
            f"Received: {name}={value!r}"
        )
    if maximum is not None and value > maximum:
        raise ValueError(
            f"{owner} expects `{name}` to be {maximum} or less. "
            f"Received: {name}={value!r}"
        )


def check_rank(shape, minimum, maximum=None, *, owner, expects):
    """Raises `ValueError` unless the rank of `shape` is in the range.

    Args:
        shape: Tuple, the shape received.
        minimum: Integer, least number of axes.
        maximum: Integer, largest number of axes, or None for no bound.
        owner: String, who expects it.
        expects: String, the expected shape in words, for the message.
    """
    rank = len(shape)
    if rank < minimum or (maximum is not None and rank > maximum):
        raise ValueError(
            f"{owner} expects an input of shape {expects}. "
            f"Received: shape={tuple(shape)}"
        )


def _is_finite_real(value):
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )
