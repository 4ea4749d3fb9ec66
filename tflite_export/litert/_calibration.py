"""The signal on which the steps of an int8 model are chosen."""

from pathlib import Path

import numpy as np

from tflite_export import vectors
from tflite_export._signals import as_int64, check_range

# Samples drawn, and another seed than that of what is measured.
_TIME, _SEED = 4096, 1


def calibration_signal(chain, calibration):
    """Integers of a chain's input.

    Args:
        chain: `tflite_export.ChainSpec`.
        calibration: See `to_flatbuffer`.

    Returns:
        Int64 array `(batch, time, channels)`.

    Raises:
        FileNotFoundError: There is no such file.
        TypeError: It does not hold integers.
        ValueError: It is of another shape, too short, or out of range.
    """
    if isinstance(calibration, str) and calibration in vectors.KINDS:
        return vectors.draw(
            chain, calibration, _TIME + chain.memory, seed=_SEED
        )
    owner = "litert"
    if isinstance(calibration, Path) or (
        isinstance(calibration, str) and calibration.endswith(".npy")
    ):
        calibration = np.load(calibration)
    elif isinstance(calibration, str) or calibration is None:
        raise ValueError(
            f"{owner} expects `calibration` to be an integer array "
            "(batch, time, channels), the path of one, *.npy, or one of "
            f"{list(vectors.KINDS)}. Received: calibration={calibration!r}"
        )
    signal = as_int64("calibration", calibration, owner=owner)
    least = max(1, chain.memory + 1)
    if (
        signal.ndim != 3
        or signal.shape[2] != chain.channels
        or signal.shape[1] < least
        or not signal.size
    ):
        raise ValueError(
            f"{owner} expects a `calibration` of shape (batch, time, "
            f"{chain.channels}), {least} samples at least. "
            f"Received: shape={signal.shape}"
        )
    check_range("calibration", signal, chain.input_format, owner=owner)
    return signal


def signal_like(chain, calibration, batch, time):
    """What an int8 model is measured on: a signal as it was made for.

    Args:
        chain: `tflite_export.ChainSpec`.
        calibration: See `to_flatbuffer`.
        batch: Positive integer.
        time: Positive integer, samples.

    Returns:
        Int64 array `(batch, time, channels)`: of a kind that is drawn, other
        samples than those of the calibration; of a given array, that array,
        cut or repeated.
    """
    if isinstance(calibration, str) and calibration in vectors.KINDS:
        return vectors.draw(chain, calibration, time, batch=batch)
    signal = calibration_signal(chain, calibration)
    return np.resize(signal, (batch, time, chain.channels))
