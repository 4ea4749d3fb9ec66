"""The bit error rate of square QAM in Gaussian noise."""

import math

import numpy as np

from keras_bp import _checks


def qam_bit_error_rate(order, snr_db):
    r"""Exact bit error rate of Gray-labeled square QAM in Gaussian noise.

    A sum of Gaussian tails :math:`Q(x) = \mathrm{erfc}(x/\sqrt 2)/2`; for 16
    points

    .. math::
        \tfrac34 Q(a) + \tfrac12 Q(3a) - \tfrac14 Q(5a), \quad
        a = \sqrt{\mathrm{SNR} / 5}.

    Args:
        order: Integer, number of points: 4, 16, 64 or 256.
        snr_db: Float or array, power of the symbols over that of the noise,
            dB.

    Returns:
        Float64 array of the shape of `snr_db`.

    Raises:
        ValueError: `order` is another.

    Example:

    >>> from keras_bp.metrics import qam_bit_error_rate
    >>> f"{float(qam_bit_error_rate(16, 15.0)):.2e}"
    '4.47e-03'

    Reference:
        Cho and Yoon, 2002, "On the General BER Expression of One- and
        Two-Dimensional Amplitude Modulations", eq. 14.
    """
    if order not in (4, 16, 64, 256):
        raise ValueError(
            "qam_bit_error_rate expects `order` to be 4, 16, 64 or 256. "
            f"Received: order={order!r}"
        )
    owner = "qam_bit_error_rate"
    snr = 10 ** (_checks.as_floats("snr_db", snr_db, owner=owner) / 10)
    side = math.isqrt(order)
    bits = side.bit_length() - 1
    # Half of the distance between neighbors, in deviations of the noise.
    half = np.sqrt(3 * snr / (order - 1))
    total = np.zeros_like(snr)
    for bit in range(1, bits + 1):
        for i in range(int((1 - 2.0**-bit) * side)):
            block = i * 2 ** (bit - 1) // side
            sign = (-1) ** block
            near = math.floor(i * 2 ** (bit - 1) / side + 0.5)
            count = 2 ** (bit - 1) - near
            total = total + sign * count * _tail((2 * i + 1) * half)
    return total * 2 / side / bits


def _tail(x):
    """The probability that a standard normal variable is above `x`."""
    erfc = np.vectorize(math.erfc, otypes=["float64"])
    return erfc(np.asarray(x) / math.sqrt(2)) / 2
