"""TensorFlow, in whose automatic differentiation this room is written."""

import keras

try:
    import tensorflow as tf
except ImportError:

    class _Missing:
        """Lets the package be imported under another backend."""

        def __getattr__(self, name):
            raise ImportError(
                "keras_bp.spectral needs TensorFlow, which is not installed."
            )

    tf = _Missing()


def check_backend(owner):
    """Raises unless Keras computes with TensorFlow."""
    found = keras.backend.backend()
    if found != "tensorflow":
        raise RuntimeError(
            f"{owner} expects Keras on TensorFlow, whose forward mode it uses. "
            f"Received: KERAS_BACKEND={found!r}"
        )
