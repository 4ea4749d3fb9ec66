"""The precision in which numbers are computed, on every backend."""

import keras
from keras import ops


def wide_dtype(x):
    """Name of the dtype to compute in: float64 for float64, else float32."""
    # By name: a dtype of PyTorch equals no string.
    name = keras.backend.standardize_dtype(x.dtype)
    return "float64" if name == "float64" else "float32"


def floor(x):
    """`ops.floor`, without the cast of float64 to float32.

    Keras 3.15 has one on JAX and PyTorch.
    """
    if keras.backend.backend() == "tensorflow" or wide_dtype(x) == "float32":
        return ops.floor(x)
    whole = ops.trunc(x)
    return whole - ops.cast(whole > x, x.dtype)


def ceil(x):
    """`ops.ceil`, likewise."""
    if keras.backend.backend() == "tensorflow" or wide_dtype(x) == "float32":
        return ops.ceil(x)
    return -floor(-x)


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
