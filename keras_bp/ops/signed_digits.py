"""The canonical signed-digit form of integers, and those of few digits."""

import functools

import numpy as np


def signed_digits(integers):
    r"""Counts the non-zero digits in canonical signed-digit form.

    The form has the digits -1, 0 and 1 and the fewest that are not 0; a
    constant multiplier of n digits takes n - 1 adders. A power of two has one.

    Args:
        integers: Integer array of any shape, magnitudes below 2^61.

    Returns:
        Array of int64, of equal shape.

    Raises:
        TypeError: `integers` holds other numbers than integers.

    Example:

    >>> from keras_bp.ops import signed_digits
    >>> signed_digits([0, 1, 3, 7, 11, -12]).tolist()
    [0, 1, 2, 2, 3, 2]
    """
    integers = np.asarray(integers)
    if not np.issubdtype(integers.dtype, np.integer):
        raise TypeError(
            "signed_digits expects integers. "
            f"Received: dtype={integers.dtype.name}"
        )
    magnitude = np.abs(integers.astype("int64"))
    # 3x and x differ where the form of x has a digit, one place higher.
    differing = np.ascontiguousarray(magnitude ^ (3 * magnitude))
    bits = np.unpackbits(differing[..., None].view("uint8"), axis=-1)
    counts = bits.sum(axis=-1, dtype="int64")
    return counts.reshape(integers.shape)


@functools.cache
def integers_of_few_digits(minimum, maximum, max_digits):
    """The integers in a range that have at most `max_digits` digits, sorted."""
    every = np.arange(minimum, maximum + 1)
    return every[signed_digits(every) <= max_digits]
