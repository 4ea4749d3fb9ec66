"""Rounding of the taps of a cascade, so that the errors do not add up."""

import numpy as np

from keras_bp.ops.fixed_point import FixedPoint
from keras_bp.ops.signed_digits import integers_of_few_digits


def error_feedback(filters, tap_format):
    r"""Rounds the taps of equal steps differently, with equal means.

    Filters that are rounded alike err alike, and in a cascade of many equal
    steps the same error adds up coherently. Here the error of a tap is
    carried over to the same tap of the next filter,

    .. math:: q_k = r(h_k + e_{k-1}), \quad e_k = h_k + e_{k-1} - q_k,

    so that the mean over the steps is right to a part of a step: the fair
    baseline for learned filters.

    Args:
        filters: List of complex arrays, the taps of each step in order. The
            lengths may differ; taps are matched by their distance from the
            center.
        tap_format: `FixedPoint` of a fixed scale.

    Returns:
        List of int64 arrays of shape `(num_taps, 2)`, the integers of real
        and imaginary part; symmetric where the filters are.

    Raises:
        TypeError: `tap_format` is no `FixedPoint`.
        ValueError: Its scale is trained, or a filter has an even length.

    Example:

    >>> from keras_bp.ops import FixedPoint
    >>> from keras_bp.optics import error_feedback
    >>> quarter = [np.array([0.3])] * 5
    >>> taps = error_feedback(quarter, FixedPoint(4, 2))
    >>> [int(tap[0, 0]) for tap in taps]
    [1, 1, 2, 1, 1]
    """
    if not isinstance(tap_format, FixedPoint):
        raise TypeError(
            "error_feedback expects `tap_format` to be a "
            f"keras_bp.ops.FixedPoint. Received: tap_format={tap_format!r}"
        )
    if tap_format.scale != "fixed":
        raise ValueError(
            "error_feedback expects a format with scale='fixed'. "
            f"Received: tap_format={tap_format}"
        )
    longest = max(map(len, filters))
    carried = np.zeros((longest, 2))
    found = []
    for taps in filters:
        taps = np.asarray(taps, complex)
        if len(taps) % 2 == 0:
            raise ValueError(
                "error_feedback expects filters of odd length. "
                f"Received: {len(taps)} taps"
            )
        cut = (longest - len(taps)) // 2
        part = slice(cut, longest - cut)
        wanted = np.stack([taps.real, taps.imag], -1) / tap_format.step
        wanted = wanted + carried[part]
        integers = _rounded(wanted, tap_format)
        # What saturates cannot be made up for, and would pile up.
        carried[part] = np.clip(wanted - integers, -1, 1)
        found.append(integers)
    return found


def _rounded(wanted, form):
    low, high = form.minimum_integer, form.maximum_integer
    if form.max_digits is None:
        return np.clip(np.floor(wanted + 0.5), low, high).astype("int64")
    table = integers_of_few_digits(low, high, form.max_digits)
    return table[np.searchsorted((table[1:] + table[:-1]) / 2, wanted)]
