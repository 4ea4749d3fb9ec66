"""TensorFlow for the channel, which is written in it; the rest is not."""

try:
    import tensorflow as tf
except ImportError:

    class _Missing:
        """Lets the package be imported under another backend."""

        def __getattr__(self, name):
            raise ImportError(
                "The channel of keras_bp.optics needs TensorFlow, which is "
                "not installed."
            )

    tf = _Missing()
