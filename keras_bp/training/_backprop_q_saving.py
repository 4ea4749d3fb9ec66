"""What a file of weights holds of critics that are not made yet."""

import json

import keras
import numpy as np

_KEY = "target_shapes"


class TargetShapes(keras.layers.Layer):
    """Keeps the shapes of targets in a file of weights.

    Critics that see targets are made at the first batch. A file that is loaded
    before would find no critics to restore, and pass over them.

    Args:
        shapes: Function that returns the shapes, a dictionary, or None where
            there are no critics.
        build: Function of the shapes that makes the critics.
    """

    def __init__(self, shapes, build):
        super().__init__(name="target_shapes")
        self._shapes, self._make = shapes, build

    def save_own_variables(self, store):
        shapes = self._shapes()
        if shapes is not None:
            text = json.dumps(shapes).encode()
            store[_KEY] = np.frombuffer(text, "uint8")

    def load_own_variables(self, store):
        if _KEY in store.keys() and self._shapes() is None:  # noqa: SIM118
            text = np.asarray(store[_KEY]).astype("uint8").tobytes()
            self._make({k: tuple(x) for k, x in json.loads(text).items()})
