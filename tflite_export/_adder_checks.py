"""Checks of what an `AdderGraph` is made of."""

import numpy as np

from keras_bp import _checks
from tflite_export._signals import as_int64

# Digits are found for magnitudes up to here, as by `signed_digits`.
_LARGEST = 2**61


def check_matrix(matrix):
    """The matrix as an int64 array `(outputs, inputs)`."""
    matrix = as_int64("matrix", matrix, owner="AdderGraph")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            "AdderGraph expects `matrix` of shape (outputs, inputs). "
            f"Received: shape={matrix.shape}"
        )
    largest = max(-int(matrix.min()), int(matrix.max()))
    if largest >= _LARGEST:
        raise ValueError(
            "AdderGraph expects coefficients with magnitudes below 2^61. "
            f"Received: {largest}"
        )
    return matrix


def check_ranges(ranges, inputs):
    """A list of a pair of integers for each input."""
    ranges = list(ranges)
    if not any(np.ndim(each) for each in ranges):
        ranges = inputs * [ranges]
    if len(ranges) != inputs or any(len(pair) != 2 for pair in ranges):
        raise ValueError(
            "AdderGraph expects `input_ranges` of a pair, or of one for each "
            f"of {inputs} inputs. Received: {ranges}"
        )
    for low, high in ranges:
        for end in (low, high):
            _checks.check_integer("input_ranges", end, owner="AdderGraph")
        if low > high:
            raise ValueError(
                "AdderGraph expects `input_ranges` of the smallest and the "
                f"largest value. Received: {low}, {high}"
            )
    return [(int(low), int(high)) for low, high in ranges]


def check_values(values, ranges):
    """Raises `ValueError` where an array leaves the range of its input."""
    for index, (value, ends) in enumerate(zip(values, ranges, strict=True)):
        low, high = ends
        if value.size and (value.min() < low or value.max() > high):
            raise ValueError(
                f"AdderGraph expects input {index} from {low} to {high}, as "
                f"`input_ranges` says. Received: from {value.min()} to "
                f"{value.max()}"
            )
