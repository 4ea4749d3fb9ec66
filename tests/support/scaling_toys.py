"""A small method for tests of `benchmarks.scaling`, also in other processes."""

import keras
import numpy as np

from benchmarks.scaling_cases import Method

WEIGHTS = 4 * (3 * 2 + 2)


def _model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", jit_compile=False)
    return model


def _arrays(examples):
    return np.ones((examples, 3), "float32"), np.ones((examples, 2), "float32")


def find(name):
    if name == "fails":
        raise ValueError("no such method")
    return Method(_model, _arrays, batch=8)
