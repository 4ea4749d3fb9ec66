"""The error vector magnitude of received symbols."""

import numpy as np


def error_vector_magnitude(received, sent):
    r"""Root mean square error in percent of the root mean square of `sent`.

    Args:
        received: Complex array of any shape.
        sent: Complex array of that shape.

    Returns:
        Float, percent; without a constant phase taken off, see
        `keras_bp.optics.align_phase`.

    Raises:
        ValueError: The shapes differ, or `sent` has no power.

    Example:

    >>> from keras_bp.metrics import error_vector_magnitude
    >>> round(error_vector_magnitude([1.1, 1.1j], [1.0, 1.0j]), 6)
    10.0
    """
    received, sent = np.asarray(received), np.asarray(sent)
    power = np.sum(np.abs(sent) ** 2)
    if received.shape != sent.shape or power == 0:
        raise ValueError(
            "error_vector_magnitude expects two arrays of one shape, and sent "
            "symbols with power. "
            f"Received: shapes {received.shape} and {sent.shape}"
        )
    error = np.sum(np.abs(received - sent) ** 2)
    return float(100 * np.sqrt(error / power))
