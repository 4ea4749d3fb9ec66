"""A Kerr rotation as signals."""

from tflite_export.reference import SIXTH


def build_kerr(net, stage, signals):
    """Adds a Kerr rotation to a netlist.

    Args:
        net: `Netlist`.
        stage: `KerrSpec`.
        signals: List of `Signal`, I and Q of each polarization.

    Returns:
        List of as many, turned.
    """
    cosine, sine = _phasor(net, _phase(net, stage, signals), stage)
    fraction = stage.signal_format.fraction_bits
    fraction += stage.rotation_format.fraction_bits
    signals = [net.delay(x, stage.delay) for x in signals]
    found = []
    for i, q in zip(signals[::2], signals[1::2], strict=True):
        for a, b, sign in ((i, q, 1), (q, i, -1)):
            turned = net.sum(
                [
                    (net.multiply(a, cosine, "turned"), 1),
                    (net.multiply(b, sine, "turned"), sign),
                ]
            )
            found.append(net.round_to(turned, fraction, stage.output_format))
    return found


def _phase(net, stage, signals):
    """The filtered power, rounded, the filtered rounded again."""
    squares = [(net.multiply(x, x, "square"), 1) for x in signals]
    fraction = 2 * stage.signal_format.fraction_bits
    power = net.round_to(net.sum(squares), fraction, stage.power_format)
    last = len(stage.coefficients) - 1
    powers = [
        net.add(net.delay(power, k), net.delay(power, last - k), hint="power")
        for k in range(last // 2)
    ]
    powers.append(net.delay(power, last // 2))
    # They are symmetric.
    half = stage.coefficients[: last // 2 + 1]
    phase = net.linear([half], powers, "phase")[0]
    fraction = stage.coefficient_format.fraction_bits
    fraction += stage.power_format.fraction_bits
    return net.round_to(phase, fraction, stage.phase_format)


def _phasor(net, theta, stage):
    """Cosine and sine of the phase."""
    phase, rotation = stage.phase_format, stage.rotation_format
    if stage.method == "lut":
        address = net.shift(theta, -stage.dropped_bits)
        first = address.low - stage.smallest_address
        last = address.high - stage.smallest_address
        tables = (stage.cosines, stage.sines)
        return [net.table(address, t[first : last + 1]) for t in tables]
    square = net.multiply(theta, theta, "square")
    exact = 2 * phase.fraction_bits + 1
    one = net.constant(1 << exact)
    cosine = net.add(one, square, subtract=True, hint="cosine")
    cosine = net.round_to(cosine, exact, rotation)
    if stage.method == "taylor2":
        return cosine, net.round_to(theta, phase.fraction_bits, rotation)
    return cosine, _cubic_sine(net, theta, square, stage)


def _cubic_sine(net, theta, square, stage):
    """The phase less a sixth of its cube."""
    phase, rotation = stage.phase_format, stage.rotation_format
    factor, shift = SIXTH
    cubic = net.round_to(square, 2 * phase.fraction_bits, rotation)
    cubic = net.linear([[factor]], [cubic], "cubic")[0]
    cubic = net.round_to(cubic, rotation.fraction_bits + shift, rotation)
    # theta - theta * cubic, over the finer of the two steps.
    fraction = max(0, rotation.fraction_bits)
    rest = net.add(
        net.constant(1 << fraction),
        cubic,
        shifts=(0, fraction - rotation.fraction_bits),
        subtract=True,
        hint="rest",
    )
    sine = net.multiply(theta, rest, "sine")
    return net.round_to(sine, phase.fraction_bits + fraction, rotation)
