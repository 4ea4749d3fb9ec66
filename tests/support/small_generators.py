"""Generators whose Jacobians are known."""

import keras
import numpy as np
from keras import ops


def linear(matrix, bias=None, dtype=None):
    """G(z) = W z + b, with W of shape `(outputs, latents)`."""
    matrix = np.asarray(matrix)
    outputs, latents = matrix.shape
    model = keras.Sequential(
        [
            keras.Input((latents,), dtype=_computed(dtype)),
            keras.layers.Dense(outputs, dtype=dtype),
        ]
    )
    bias = np.zeros(outputs) if bias is None else bias
    model.set_weights([matrix.T, bias])
    return model


def elementwise(function, latents, dtype=None):
    """G(z) = f(z) for each entry, with J = diag f'(z)."""
    x = keras.Input((latents,), dtype=_computed(dtype))
    return keras.Model(x, function(x))


def exponential(latents, dtype=None):
    """G(z) = exp z: log p(G(z)) of a normal prior is quadratic."""
    return elementwise(ops.exp, latents, dtype)


def smooth(latents, outputs, seed=0, dtype=None):
    """Two layers with tanh between, of random weights."""
    made = [
        keras.layers.Dense(
            units,
            activation,
            kernel_initializer=keras.initializers.RandomNormal(
                0.0, scale, seed=seed + i
            ),
            dtype=dtype,
        )
        for i, (units, activation, scale) in enumerate(
            [(2 * outputs, "tanh", 0.5), (outputs, None, 0.5)]
        )
    ]
    return keras.Sequential(
        [keras.Input((latents,), dtype=_computed(dtype)), *made]
    )


def _computed(dtype):
    return None if dtype is None else keras.DTypePolicy(dtype).compute_dtype
