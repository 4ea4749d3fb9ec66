"""TensorFlow, in whose automatic differentiation this room is written."""

from keras_bp._backend import check_tensorflow

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
    check_tensorflow(owner, "for its forward mode")
