"""Checks of formats, and of the integer signals that go into a filter."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops import FixedPoint

# Of constants; all others are rounded where a filter runs, without a table.
_MAY_HAVE_DIGITS = ("tap_format", "coefficient_format")


def as_int64(name, value, *, owner):
    """Returns `value` as an int64 array, or raises `TypeError`."""
    array = np.asarray(value)
    if not np.can_cast(array.dtype, "int64") or array.dtype == bool:
        raise TypeError(
            f"{owner} expects `{name}` to hold integers of at most 64 bits. "
            f"Received: dtype={array.dtype}"
        )
    return array.astype("int64")


def check_is_format(name, form, *, owner):
    """Raises `TypeError` unless `form` is a `FixedPoint`."""
    if not isinstance(form, FixedPoint):
        raise TypeError(
            f"{owner} expects `{name}` to be a keras_bp.ops.FixedPoint. "
            f"Received: {name}={form!r}"
        )


def check_format(name, form, *, owner):
    """Raises unless `form` is a `FixedPoint` that a target can round to."""
    check_is_format(name, form, owner=owner)
    if form.scale != "fixed":
        raise ValueError(
            f"{owner} expects a `{name}` with a fixed step; take the trained "
            f"one over by `{owner}.from_layer`. "
            f"Received: scale={form.scale!r}"
        )
    if form.max_digits is not None and name not in _MAY_HAVE_DIGITS:
        raise ValueError(
            f"{owner} expects a `{name}` without `max_digits`, which is for "
            "taps and coefficients: no target rounds a signal so. "
            f"Received: max_digits={form.max_digits}"
        )


def check_range(name, value, form, *, owner):
    """Raises `ValueError` where integers leave the range of a format."""
    low, high = form.minimum_integer, form.maximum_integer
    check_ends(name, value, low, high, owner=owner)


def check_ends(name, value, low, high, *, owner):
    """The same, of a range from `low` to `high`, both included."""
    if value.size and (value.min() < low or value.max() > high):
        raise ValueError(
            f"{owner} expects `{name}` from {low} to {high}, the range of its "
            "format; see `tflite_export.reference.quantize`. "
            f"Received: from {value.min()} to {value.max()}"
        )


def check_time(time, num_taps, padding, *, owner):
    """Raises `ValueError` where `time` samples are too few for the filter."""
    _checks.check_integer("time", time, owner=owner)
    least = {"valid": num_taps, "circular": max(1, num_taps // 2)}
    least = least.get(padding, 1)
    if time < least:
        raise ValueError(
            f"{owner} expects at least {least} samples for {num_taps} taps "
            f"with padding={padding!r}. Received: time={time}"
        )
