"""Argument checks that name who expects what, and what was received."""

import numbers

import keras
import numpy as np
from keras import ops

# Of the normal numbers of float32, in which most of this is computed.
_LARGEST, _SMALLEST = (2 - 2**-23) * 2.0**127, 2.0**-126


def check_one_of(name, value, known, *, owner):
    """Raises `ValueError` unless `value` is one of the strings `known`."""
    if value not in tuple(known):
        raise ValueError(
            f"{owner} expects `{name}` to be one of {sorted(known)}. "
            f"Received: {name}={value!r}"
        )


def check_positive(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number above zero.

    As in the checks below, it is to be one of float32 too, not 0 or infinity
    there.
    """
    if not _is_finite_real(value) or value < _SMALLEST:
        _refuse(name, value, owner, "greater than zero")


def check_not_negative(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number, zero or above."""
    if not _is_finite_real(value) or value < 0:
        _refuse(name, value, owner, "zero or greater")


def check_number(name, value, *, owner):
    """Raises `ValueError` unless `value` is a finite number."""
    if not _is_finite_real(value):
        _refuse(name, value, owner, "a finite number")


def check_rate(name, value, *, owner):
    """Raises `ValueError` unless `value` lies in `[0, 1)`."""
    if not _is_finite_real(value) or not 0 <= value < 1:
        _refuse(name, value, owner, "in [0, 1)")


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


def check_function(name, value, *, owner, expects):
    """Raises `TypeError` unless `value` can be called.

    Args:
        name: String, of the argument.
        value: What was given.
        owner: String, who expects it.
        expects: String, what kind of function.
    """
    if not callable(value):
        raise TypeError(
            f"{owner} expects `{name}` to be {expects}. "
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


def shapes_agree(shape, other):
    """Whether two shapes can be equal; a size of None can be any."""
    return len(shape) == len(other) and all(
        None in sizes or sizes[0] == sizes[1]
        for sizes in zip(shape, other, strict=True)
    )


def as_tensor(name, value, *, owner, rank=None):
    """`value` as a tensor of numbers, of `rank` axes unless that is None.

    A `keras.KerasTensor` is returned as it is.
    """
    if not isinstance(value, keras.KerasTensor):
        try:
            value = ops.convert_to_tensor(value)
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise TypeError(
                f"{owner} expects `{name}` to be a tensor of numbers. "
                f"Received: {error}"
            ) from error
    if rank is not None and len(value.shape) != rank:
        raise ValueError(
            f"{owner} expects `{name}` to be of rank {rank}. "
            f"Received: shape={tuple(value.shape)}"
        )
    return value


def check_arrays(name, value, *, owner):
    """Raises `TypeError` where a structure of arrays holds bare numbers.

    A list is a structure, as in Keras: numbers in one are no array.
    """
    for leaf in keras.tree.flatten(value):
        if leaf is not None and not hasattr(leaf, "shape"):
            raise TypeError(
                f"{owner} expects `{name}` to be an array, or a structure of "
                f"arrays. Received: {type(leaf).__name__} in a "
                f"{type(value).__name__}; make an array of it by numpy.array"
            )


def as_floats(name, value, *, owner):
    """`value` as a float64 array."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{owner} expects `{name}` to be an array of real numbers. "
            f"Received: {error}"
        ) from error
    # Half precisions of other packages are of the kind "V".
    if array.dtype.kind not in "biufV" or array.dtype.names:
        raise TypeError(
            f"{owner} expects `{name}` to be an array of real numbers. "
            f"Received: dtype={array.dtype}"
        )
    return array.astype("float64")


def as_complex(name, value, *, owner):
    """`value` as an array of real or complex numbers."""
    value = np.asarray(value)
    if value.dtype.kind not in "biufc":
        raise TypeError(
            f"{owner} expects `{name}` to be an array of complex numbers. "
            f"Received: dtype={value.dtype}"
        )
    return value


def _refuse(name, value, owner, expected):
    if _is_real(value) and (abs(value) > _LARGEST or 0 < value < _SMALLEST):
        expected += ", also in float32"
    raise ValueError(
        f"{owner} expects `{name}` to be {expected}. Received: {name}={value!r}"
    )


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_finite_real(value):
    return _is_real(value) and abs(value) <= _LARGEST
