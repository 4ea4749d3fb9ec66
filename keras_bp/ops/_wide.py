"""The precision in which proximal steps are solved."""

import keras
from keras import ops


def widened(*tensors):
    """Casts to float64 where the first is of it, else to float32.

    Args:
        tensors: Tensors or arrays of floats.

    Returns:
        List of tensors, and the dtype of the first one, a string.
    """
    first = ops.convert_to_tensor(tensors[0])
    dtype = keras.backend.standardize_dtype(first.dtype)
    wide = "float64" if dtype == "float64" else "float32"
    return [ops.cast(x, wide) for x in (first, *tensors[1:])], dtype


def by_precision(tensor, single, double):
    """`double` for a float64 tensor, else `single`."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return double if dtype == "float64" else single
