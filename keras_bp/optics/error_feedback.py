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
    baseline for learned filters. What a tap lacks because it leaves the range
    is not carried over.

    Args:
        filters: List of complex arrays, the taps of each step in order, or an
            array of shape `(num_steps, num_taps)`. The lengths may differ;
            taps are matched by their distance from the center.
        tap_format: `FixedPoint` of a fixed scale. The rounding is to the
            nearest integer that it holds, and saturates, whatever it says of
            both.

    Returns:
        List of one int64 array of shape `(num_taps, 2)` per step, the
        integers of real and imaginary part; symmetric where the filters are.

    Raises:
        TypeError: `tap_format` is no `FixedPoint`.
        ValueError: Its scale is trained, there are no filters, or one is not
            finite or of an even length.

    Example:

    >>> import numpy as np
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
    filters = [np.asarray(taps, complex) for taps in filters]
    _check_filters(filters)
    longest = max(map(len, filters))
    carried = np.zeros((longest, 2))
    found = []
    for taps in filters:
        cut = (longest - len(taps)) // 2
        part = slice(cut, longest - cut)
        wanted = np.stack([taps.real, taps.imag], -1) / tap_format.step
        wanted = wanted + carried[part]
        integers, within = round_to_nearest(wanted, tap_format)
        carried[part] = within - integers
        found.append(integers)
    return found


def _check_filters(filters):
    for taps in filters:
        if taps.ndim != 1 or len(taps) % 2 == 0 or not np.isfinite(taps).all():
            raise ValueError(
                "error_feedback expects filters of odd length, one axis and "
                f"finite taps. Received: shape={taps.shape}, taps={taps}"
            )
    if not filters:
        raise ValueError(
            "error_feedback expects one filter or more. Received: none"
        )


def round_to_nearest(wanted, form):
    """The nearest integers, and `wanted` held to their range."""
    low, high = form.minimum_integer, form.maximum_integer
    if form.max_digits is None:
        # What rounds to the ends is still inside.
        within = np.clip(wanted, low - 0.5, high + 0.5)
        integers = np.clip(np.floor(within + 0.5), low, high)
        return integers.astype("int64"), within
    table = integers_of_few_digits(low, high, form.max_digits)
    within = np.clip(wanted, table[0], table[-1])
    edges = (table[1:] + table[:-1]) / 2
    integers = table[np.searchsorted(edges, within, side="right")]
    return integers.astype("int64"), within
