"""A filter as signals."""

import numpy as np


def build_fir(net, stage, signals, registers):
    """Adds a filter to a netlist.

    Args:
        net: `Netlist`.
        stage: `FIRSpec`. Where its taps are symmetric, the two samples of a
            tap are added first.
        signals: List of `Signal`, a multiple of the channels of the filter.
        registers: `TapRegisters`, or None for constant taps.

    Returns:
        List of `Signal`, the channels behind the filter.
    """
    kernel = stage.kernel
    num_taps, each, _ = kernel.shape
    symmetric = num_taps > 1 and bool(np.all(kernel == kernel[::-1]))
    kept = (num_taps + 1) // 2 if symmetric else num_taps
    taps = None
    if registers is not None:
        taps = registers.make(net, stage.taps[:kept], stage.tap_format)
    fraction = stage.tap_format.fraction_bits
    fraction += stage.signal_format.fraction_bits
    found = []
    for first in range(0, len(signals), each):
        channels = signals[first : first + each]
        samples = [
            _samples(net, channels, k, num_taps - 1 - k if symmetric else k)
            for k in range(kept)
        ]
        if taps is None:
            sums = _by_adders(net, kernel[:kept], samples)
        elif stage.complex:
            sums = _by_complex_taps(net, taps, samples)
        else:
            sums = _by_real_taps(net, taps, samples)
        found += [net.round_to(s, fraction, stage.output_format) for s in sums]
    return found


def _samples(net, channels, early, late):
    """What a tap multiplies, of every channel."""
    found = [net.delay(x, early) for x in channels]
    if early == late:
        return found
    return [
        net.add(a, net.delay(x, late), hint="pair")
        for a, x in zip(found, channels, strict=True)
    ]


def _by_adders(net, kernel, samples):
    """Sums of constant taps times samples `[tap][channel]`."""
    num_taps, channels, outputs = kernel.shape
    matrix = kernel.reshape(num_taps * channels, outputs).T
    return net.linear(matrix, sum(samples, []), "sum")


def _by_real_taps(net, taps, samples):
    """The same of taps that are signals `[tap, channel, output]`."""
    found = []
    for output in range(taps.shape[2]):
        terms = [
            (net.multiply(x, taps[k, channel, output], "product"), 1)
            for k, row in enumerate(samples)
            for channel, x in enumerate(row)
        ]
        found.append(net.sum(terms))
    return found


def _by_complex_taps(net, taps, samples):
    """The same of taps a + jb, `[tap, input, output, (a, b)]`.

    I' = a I - b Q and Q' = a Q + b I.
    """
    found = []
    num_taps, inputs, outputs, _ = taps.shape
    for output in range(outputs):
        real, imag = [], []
        for k, n in np.ndindex(num_taps, inputs):
            i, q = samples[k][2 * n : 2 * n + 2]
            a, b = taps[k, n, output]
            real.append((net.multiply(i, a, "product"), 1))
            real.append((net.multiply(q, b, "product"), -1))
            imag.append((net.multiply(q, a, "product"), 1))
            imag.append((net.multiply(i, b, "product"), 1))
        found += [net.sum(real), net.sum(imag)]
    return found
