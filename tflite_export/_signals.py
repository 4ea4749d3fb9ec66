"""Checks of the integer signals that go into a filter."""

import numpy as np

from keras_bp import _checks


def as_int64(name, value, *, owner):
    """Returns `value` as an int64 array, or raises `TypeError`."""
    array = np.asarray(value)
    if not np.can_cast(array.dtype, "int64") or array.dtype == bool:
        raise TypeError(
            f"{owner} expects `{name}` to hold integers of at most 64 bits. "
            f"Received: dtype={array.dtype}"
        )
    return array.astype("int64")


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
