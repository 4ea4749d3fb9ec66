"""The number of bits in which samples differ."""

import numpy as np

from keras_bp.metrics._inputs import bits_of


def hamming_distance(samples, others):
    r"""Counts the bits in which each sample differs from its partner.

    :math:`\sum_i |x_i - y_i|`.

    Args:
        samples: Array of 0 and 1, of shape `(samples, ...)`.
        others: Array of 0 and 1, of that shape.

    Returns:
        Integer array of shape `(samples,)`, bits.

    Raises:
        TypeError: An array holds no real numbers.
        ValueError: The shapes differ, are empty or of rank below 2, or an
            array holds other values.

    Example:

    >>> from keras_bp.metrics import hamming_distance
    >>> print(hamming_distance([[1, 0, 1], [0, 0, 1]], [[1, 1, 0], [0, 0, 1]]))
    [2 0]

    Reference:
        Hamming, 1950, https://doi.org/10.1002/j.1538-7305.1950.tb00463.x.
    """
    owner = "hamming_distance"
    bits = bits_of("samples", samples, owner=owner)
    others = bits_of("others", others, owner=owner)
    if bits.shape != others.shape or bits.ndim < 2 or bits.size == 0:
        raise ValueError(
            f"{owner} expects two arrays of one shape (samples, ...), not "
            f"empty. Received: shapes {bits.shape} and {others.shape}"
        )
    return np.count_nonzero((bits ^ others).reshape(len(bits), -1), axis=1)


def same_latent_distance(draws):
    r"""Mean Hamming distance between draws that share their latent vector.

    Over all pairs of the :math:`m` draws of a latent vector: with the number
    :math:`c_i` of draws in which bit :math:`i` is on,

    .. math::
        \frac{2}{m (m - 1)} \sum_i c_i (m - c_i)

    Its expectation is :math:`\sum_i 2 p_i (1 - p_i)` for independent bits
    with the probabilities :math:`p_i`, and 0 for a deterministic generator.

    Args:
        draws: Array of 0 and 1, of shape `(draws, latents, ...)`: entry
            `[d, z]` is draw `d` from latent vector `z`.

    Returns:
        Float64 array of shape `(latents,)`, bits.

    Raises:
        TypeError: `draws` holds no real numbers.
        ValueError: `draws` holds other values, fewer than two draws, or is
            empty.

    Example:

    >>> from keras_bp.metrics import same_latent_distance
    >>> two_draws = [[[1, 0, 1], [0, 0, 1]], [[1, 1, 0], [0, 0, 1]]]
    >>> print(same_latent_distance(two_draws))
    [2. 0.]
    """
    bits = bits_of("draws", draws, owner="same_latent_distance")
    if bits.ndim < 3 or len(bits) < 2 or bits.size == 0:
        raise ValueError(
            "same_latent_distance expects `draws` of shape (draws, latents, "
            f"...) with two draws or more. Received: shape={bits.shape}"
        )
    count = len(bits)
    on = np.count_nonzero(bits, axis=0).reshape(bits.shape[1], -1)
    return np.sum(on * (count - on), axis=1) / (count * (count - 1) / 2)
