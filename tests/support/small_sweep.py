"""A small sweep of learning rates, on any backend.

Run by itself under JAX: reads its data from the standard input, as JSON, and
prints its rows.
"""

import json
import sys

import keras

from keras_bp.training.learning_rate_sweep import learning_rate_sweep


def made():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "relu")])
    model.layers[0].set_weights([keras.ops.eye(3), keras.ops.ones(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["sparse_categorical_accuracy"])
    return model


def rows(text):
    """Rows of a sweep of two rates and two seeds."""
    data = {}
    for part, arrays in json.loads(text).items():
        x, y, *weights = (keras.ops.convert_to_numpy(a) for a in arrays)
        data[part] = x.astype("float32"), y, *weights
    return learning_rate_sweep({"A": made}, data, [0.1, 0.3], (0, 1), 3, 4).rows


if __name__ == "__main__":
    print(json.dumps(rows(sys.stdin.read())))
