"""The Q factor of a bit error rate."""

import numpy as np


def q_factor(bit_error_rate):
    r"""Q factor in dB, :math:`20 \log_{10}(\sqrt{2}\,\mathrm{erfc}^{-1}(2p))`.

    The signal-to-noise ratio at which binary antipodal signals in Gaussian
    noise have that bit error rate.

    Args:
        bit_error_rate: Float or array :math:`p` in (0, 0.5).

    Returns:
        Float64 array of its shape, dB.

    Raises:
        ValueError: A rate is out of range.

    Example:

    >>> from keras_bp.metrics import q_factor
    >>> round(float(q_factor(1e-3)), 2)
    9.8
    """
    import tensorflow as tf

    rate = np.asarray(bit_error_rate, "float64")
    if not np.all((rate > 0) & (rate < 0.5)):
        raise ValueError(
            "q_factor expects rates above 0 and below 0.5. "
            f"Received: bit_error_rate={bit_error_rate}"
        )
    # erfcinv(2 p) = -ndtri(p) / sqrt(2), without a difference from 1.
    return 20 * np.log10(-tf.math.ndtri(tf.constant(rate)).numpy())
