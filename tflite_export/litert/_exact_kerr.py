"""The Kerr rotation of the exact profile."""

import numpy as np

from tflite_export.litert._frames import TIME, add_sums, pad
from tflite_export.litert._numbers import Whole
from tflite_export.litert._rounding import round_to
from tflite_export.reference import SIXTH

# Axes of a signal that the power sums over: I and Q, polarizations.
_SUMMED = (0, 1)


def add_kerr(net, spec, x, states):
    """Adds a Kerr rotation to a graph; see `tflite_export.reference.kerr`.

    Args:
        net: `Arithmetic`.
        spec: `tflite_export.KerrSpec`.
        x: `Whole` of shape `(2, polarizations, batch, time)`.
        states: `States` or `NoStates`.

    Returns:
        `Whole` of that shape.

    Raises:
        ValueError: A number on the way is too long.
    """
    fraction = spec.signal_format.fraction_bits
    power = net.total(net.multiply(x, x), _SUMMED)
    power = round_to(net, power, 2 * fraction, spec.power_format)
    if states.streaming:
        time = net.shape(x)[TIME]
        power = states.extend(power, spec.memory, spec.power_format)
        x = states.extend(x, spec.delay, spec.signal_format)
        if spec.delay:
            x = net.slice(x, TIME, 0, time)
    else:
        power = pad(net, power, spec.delay, spec.delay, circular=True)
    theta = round_to(
        net,
        add_sums(net, power, spec.coefficients.reshape(-1, 1, 1)),
        spec.coefficient_format.fraction_bits + spec.power_format.fraction_bits,
        spec.phase_format,
    )
    cosine, sine = _phasor(net, spec, theta)
    turned = _turn(net, x, cosine, sine)
    fraction += spec.rotation_format.fraction_bits
    return round_to(net, turned, fraction, spec.output_format)


def _turn(net, x, cosine, sine):
    """I cos + Q sin, and Q cos - I sin."""
    signs = net.array(np.int64([1, -1]).reshape(2, 1, 1, 1))
    sine = net.multiply(sine, Whole(signs, -1, 1))
    inputs = [x.tensor, net.array(np.int64([1, 0]))]
    swapped = net.apply("GATHER", inputs, x.low, x.high, net.shape(x), axis=0)
    return net.add(net.multiply(x, cosine), net.multiply(swapped, sine))


def _phasor(net, spec, theta):
    if spec.method == "lut":
        return _look_up(net, spec, theta)
    phase, rotation = spec.phase_format, spec.rotation_format
    square = net.multiply(theta, theta)
    exact = 2 * phase.fraction_bits
    cosine = net.add(net.number(2 ** (exact + 1)), square, -1)
    cosine = round_to(net, cosine, exact + 1, rotation)
    fraction = 0
    sine = theta
    if spec.method == "taylor3":
        factor, shift = SIXTH
        cubic = round_to(net, square, exact, rotation)
        cubic = net.multiply(cubic, net.number(factor))
        cubic = round_to(net, cubic, rotation.fraction_bits + shift, rotation)
        # theta - theta * cubic, over the finer of the two steps.
        fraction = max(0, rotation.fraction_bits)
        step = net.number(2 ** (fraction - rotation.fraction_bits))
        rest = net.multiply(cubic, step)
        rest = net.add(net.number(2**fraction), rest, -1)
        sine = net.multiply(theta, rest)
    sine = round_to(net, sine, phase.fraction_bits + fraction, rotation)
    return cosine, sine


def _look_up(net, spec, theta):
    address = net.shift(theta, spec.dropped_bits)
    address = net.add(address, net.number(-spec.smallest_address))
    found = []
    for table in (spec.cosines, spec.sines):
        inputs = [net.array(table), address.tensor]
        ends = int(table.min()), int(table.max())
        found.append(
            net.apply("GATHER", inputs, *ends, net.shape(address), axis=0)
        )
    return found
