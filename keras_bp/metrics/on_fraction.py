"""The share of bits that are on."""

import numpy as np

from keras_bp.metrics._inputs import bits_of


def on_fraction(samples):
    r"""Share of the bits of each sample that are on, :math:`\sum_i x_i / n`.

    Args:
        samples: Array of 0 and 1, of shape `(samples, ...)`, such as images
            or piano-rolls.

    Returns:
        Float64 array of shape `(samples,)`.

    Raises:
        TypeError: `samples` holds no real numbers.
        ValueError: `samples` holds other values, or no bit for each sample.

    Example:

    >>> from keras_bp.metrics import on_fraction
    >>> print(on_fraction([[1, 1, 1, 0], [0, 0, 0, 0]]))
    [0.75 0.  ]
    """
    bits = bits_of("samples", samples, owner="on_fraction")
    if bits.ndim < 2 or bits.size == 0:
        raise ValueError(
            "on_fraction expects `samples` of shape (samples, ...), not empty. "
            f"Received: shape={bits.shape}"
        )
    return np.mean(bits.reshape(len(bits), -1), axis=1)
