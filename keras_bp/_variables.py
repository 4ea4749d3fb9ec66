"""Values of variables that are put back."""

import contextlib

import numpy as np
from keras import ops


def value_of(variable):
    """A copy of the value: its own array may be the variable itself."""
    return np.array(ops.convert_to_numpy(ops.convert_to_tensor(variable)))


@contextlib.contextmanager
def unchanged(variables):
    """Gives variables their values back in the end, also after an error.

    Args:
        variables: List of `keras.Variable`; those of a model are its weights,
            seeds and metrics.
    """
    kept = [(variable, value_of(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
