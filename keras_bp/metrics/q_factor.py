"""The Q factor of a bit error rate."""

import math
import statistics

import numpy as np

from keras_bp import _checks

_NORMAL = statistics.NormalDist()
_QUANTILE = np.vectorize(_NORMAL.inv_cdf, otypes=["float64"])
_ERFC = np.vectorize(math.erfc, otypes=["float64"])


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

    See also `q_factor_to_bit_error_rate`, the inverse.
    """
    rate = _checks.as_floats("bit_error_rate", bit_error_rate, owner="q_factor")
    if not np.all((rate > 0) & (rate < 0.5)):
        raise ValueError(
            "q_factor expects rates above 0 and below 0.5. "
            f"Received: bit_error_rate={bit_error_rate}"
        )
    # erfcinv(2 p) = -quantile(p) / sqrt(2), without a difference from 1.
    return 20 * np.log10(-_QUANTILE(rate))


def q_factor_to_bit_error_rate(q_factor_db):
    r"""Bit error rate of a Q factor, the inverse of `q_factor`.

    :math:`p = \mathrm{erfc}(10^{Q/20} / \sqrt 2) / 2`.

    Args:
        q_factor_db: Float or array, dB.

    Returns:
        Float64 array of its shape, in (0, 0.5), as far as float64 reaches.

    Raises:
        ValueError: A Q factor is not finite.

    Example:

    >>> from keras_bp.metrics import q_factor_to_bit_error_rate
    >>> f"{float(q_factor_to_bit_error_rate(9.8)):.1e}"
    '1.0e-03'
    """
    owner = "q_factor_to_bit_error_rate"
    q = _checks.as_floats("q_factor_db", q_factor_db, owner=owner)
    if not np.all(np.isfinite(q)):
        raise ValueError(
            "q_factor_to_bit_error_rate expects finite Q factors. "
            f"Received: q_factor_db={q_factor_db}"
        )
    return _ERFC(10 ** (q / 20) / np.sqrt(2)) / 2
