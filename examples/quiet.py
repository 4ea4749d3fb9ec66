"""Imported before Keras: starts TensorFlow without its messages.

TensorFlow writes to the error stream while it starts and when it first looks
for accelerators, whatever its log level. Errors of Python are not hidden.
Under another backend of Keras nothing is done.
"""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The quickstart starts a second process, which needs some memory too.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def _start():
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    tf.config.list_logical_devices()


def without_messages(function, *args):
    """Calls `function` with the error stream of the process swallowed."""
    sys.stderr.flush()
    stream = os.dup(2)
    with tempfile.TemporaryFile() as swallowed:
        os.dup2(swallowed.fileno(), 2)
        try:
            return function(*args)
        finally:
            os.dup2(stream, 2)
            os.close(stream)


if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
    without_messages(_start)
