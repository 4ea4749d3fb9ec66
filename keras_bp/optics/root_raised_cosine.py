"""The root-raised-cosine pulse."""

import numpy as np

from keras_bp import _checks


def root_raised_cosine(num_samples, samples_per_symbol, roll_off):
    """Frequency response of a root-raised-cosine filter, periodic in time.

    Two of them in a row have no intersymbol interference. A sequence of
    symbols of mean power 1 with zeros between them comes out with mean power
    1, and `response / samples_per_symbol` is the matched filter with gain 1.

    Args:
        num_samples: Positive integer, length of the Fourier transform.
        samples_per_symbol: Positive integer.
        roll_off: Float in [0, 1]; above 0 it needs two samples per symbol to
            fit the band.

    Returns:
        Float64 array of shape `(num_samples,)`, in the order of `np.fft.fft`.

    Raises:
        TypeError: A count is no integer.
        ValueError: A number is out of range.

    Example:

    >>> from keras_bp.optics import root_raised_cosine
    >>> root_raised_cosine(8, 2, 0.0).round(3).tolist()
    [2.0, 2.0, 1.414, 0.0, 0.0, 0.0, 1.414, 2.0]
    """
    check = {"owner": "root_raised_cosine"}
    counts = {"minimum": 1, "maximum": 2**31 - 1, **check}
    _checks.check_integer("num_samples", num_samples, **counts)
    _checks.check_integer("samples_per_symbol", samples_per_symbol, **counts)
    _checks.check_not_negative("roll_off", roll_off, **check)
    if roll_off > 1:
        raise ValueError(
            "root_raised_cosine expects `roll_off` from 0 to 1. "
            f"Received: roll_off={roll_off}"
        )
    # In symbol rates.
    f = np.abs(np.fft.fftfreq(num_samples, 1 / samples_per_symbol))
    if roll_off == 0:
        raised = np.where(np.isclose(f, 0.5), 0.5, f < 0.5)
    else:
        ramp = np.clip((f - 0.5) / roll_off + 0.5, 0, 1)
        raised = np.cos(np.pi / 2 * ramp) ** 2
    return samples_per_symbol * np.sqrt(raised)
