"""The Kerr rotation on integers."""

import numpy as np

from tflite_export._signals import as_int64
from tflite_export.reference._rounding import round_to

# A sixth, as the sine of "taylor3" takes it: a factor and a shift.
SIXTH = (171, 10)


def kerr(signal, spec):
    r"""Turns integers by a phase that follows their power.

    Args:
        signal: Integer array of shape `(batch, time, 2 * n)`, I and Q of n
            polarizations in turn.
        spec: `tflite_export.KerrSpec`. Its filter on the power is circular.

    Returns:
        NumPy array of int64 of that shape.

    Raises:
        TypeError: `signal` does not hold integers.
    """
    signal = as_int64("signal", signal, owner="kerr")
    power = kerr_power(signal, spec)
    middle = len(spec.coefficients) // 2
    weighted = sum(
        int(weight) * np.roll(power, k - middle, axis=1)
        for k, weight in enumerate(spec.coefficients)
    )
    return kerr_turn(signal, weighted, spec)


def kerr_power(signal, spec):
    """The power of all polarizations, rounded.

    Args:
        signal: Int64 array of shape `(batch, time, 2 * n)`.
        spec: `tflite_export.KerrSpec`.

    Returns:
        NumPy array of int64 of shape `(batch, time, 1)`.
    """
    _check_spec(spec, "kerr_power")
    signal = as_int64("signal", signal, owner="kerr_power")
    power = np.sum(signal * signal, axis=-1, keepdims=True)
    return round_to(
        power, 2 * spec.signal_format.fraction_bits, spec.power_format
    )


def kerr_turn(signal, weighted, spec):
    """Turns a signal by the phase that a sum of weighted powers rounds to.

    Args:
        signal: Int64 array of shape `(batch, time, 2 * n)`.
        weighted: Int64 array of shape `(batch, time, 1)`.
        spec: `tflite_export.KerrSpec`.

    Returns:
        NumPy array of int64 with the shape of `signal`.
    """
    _check_spec(spec, "kerr_turn")
    signal = as_int64("signal", signal, owner="kerr_turn")
    if signal.ndim != 3:
        raise ValueError(
            "kerr_turn expects a signal of shape (batch, time, 2 * n). "
            f"Received: shape={signal.shape}"
        )
    theta = round_to(
        weighted,
        spec.coefficient_format.fraction_bits + spec.power_format.fraction_bits,
        spec.phase_format,
    )
    cosine, sine = phasor(theta, spec)
    i, q = signal[..., 0::2], signal[..., 1::2]
    turned = np.empty_like(signal)
    turned[..., 0::2] = i * cosine + q * sine
    turned[..., 1::2] = q * cosine - i * sine
    exact = (
        spec.signal_format.fraction_bits + spec.rotation_format.fraction_bits
    )
    return round_to(turned, exact, spec.output_format)


def phasor(theta, spec):
    """Integers of the cosine and the sine of a phase.

    Args:
        theta: Int64 array within the range of `spec.phase_format`.
        spec: `tflite_export.KerrSpec`.

    Returns:
        Two NumPy arrays of int64 with the shape of `theta`.
    """
    _check_spec(spec, "phasor")
    theta = as_int64("theta", theta, owner="phasor")
    if spec.method == "lut":
        address = (theta >> spec.dropped_bits) - spec.smallest_address
        return spec.cosines[address], spec.sines[address]
    phase, rotation = spec.phase_format, spec.rotation_format
    square = theta * theta
    exact = 2 * phase.fraction_bits + 1
    cosine = round_to((1 << exact) - square, exact, rotation)
    if spec.method == "taylor2":
        return cosine, round_to(theta, phase.fraction_bits, rotation)
    factor, shift = SIXTH
    cubic = round_to(square, 2 * phase.fraction_bits, rotation)
    cubic = round_to(cubic * factor, rotation.fraction_bits + shift, rotation)
    # theta - theta * cubic, over the finer of the two steps.
    fraction = max(0, rotation.fraction_bits)
    cubic = cubic << (fraction - rotation.fraction_bits)
    sine = theta * ((1 << fraction) - cubic)
    return cosine, round_to(sine, phase.fraction_bits + fraction, rotation)


def _check_spec(spec, owner):
    # The class itself imports this room.
    if not hasattr(spec, "phase_format"):
        raise TypeError(
            f"{owner} expects `spec` to be a tflite_export.KerrSpec. "
            f"Received: spec={spec!r}"
        )
