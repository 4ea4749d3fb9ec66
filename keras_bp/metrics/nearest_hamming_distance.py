"""How far samples are from the nearest of a set."""

import numpy as np

from keras_bp.metrics._inputs import bits_of

# Samples at a time, and references: what bounds the memory.
_ROWS, _COLUMNS = 1024, 8192
# Counts below it are exact in single precision.
_EXACT = 2**24


def nearest_hamming_distance(samples, references):
    r"""Number of bits between each sample and the nearest reference.

    :math:`\min_y \sum_i |x_i - y_i|` over the references :math:`y`: for
    generated samples and the training set, 0 where one was copied. Compare
    it with that of held-out data.

    Args:
        samples: Array of 0 and 1, of shape `(samples, ...)`.
        references: Array of 0 and 1, of shape `(references, ...)`.

    Returns:
        Integer array of shape `(samples,)`, bits.

    Raises:
        TypeError: An array holds no real numbers.
        ValueError: The shapes do not fit, are empty or of rank below 2, or an
            array holds other values.

    Example:

    >>> from keras_bp.metrics import nearest_hamming_distance
    >>> training = [[1, 1, 1, 0], [0, 0, 0, 0]]
    >>> print(nearest_hamming_distance([[1, 1, 1, 0], [0, 1, 0, 0]], training))
    [0 1]
    """
    owner = "nearest_hamming_distance"
    bits = bits_of("samples", samples, owner=owner)
    references = bits_of("references", references, owner=owner)
    if (
        bits.shape[1:] != references.shape[1:]
        or min(bits.ndim, references.ndim) < 2
        or min(bits.size, references.size) == 0
    ):
        raise ValueError(
            f"{owner} expects samples and references of one shape, not empty. "
            f"Received: shapes {bits.shape} and {references.shape}"
        )
    bits = bits.reshape(len(bits), -1)
    references = references.reshape(len(references), -1)
    nearest = np.full(len(bits), bits.shape[1])
    for start in range(0, len(references), _COLUMNS):
        part = references[start : start + _COLUMNS]
        np.minimum(nearest, _nearest(bits, part), out=nearest)
    return nearest


def _nearest(bits, references):
    dtype = "float32" if bits.shape[1] < _EXACT // 2 else "float64"
    references = references.astype(dtype)
    on = references.sum(axis=1)
    found = []
    for start in range(0, len(bits), _ROWS):
        part = bits[start : start + _ROWS].astype(dtype)
        # |x - y| = x + y - 2 x y for bits: all integers, so exact.
        least = (on - 2 * (part @ references.T)).min(axis=1)
        found.append(least + part.sum(axis=1))
    return np.concatenate(found).astype("int64")
