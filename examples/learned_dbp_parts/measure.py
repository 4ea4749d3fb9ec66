"""What is measured on an equalizer."""

import numpy as np

from examples.learned_dbp_parts.integers import integer_outputs
from keras_bp.metrics import BitErrorRate, EffectiveSNR
from keras_bp.optics import Constellation, align_phase

_BATCH = 100


def outputs(model, samples):
    """The symbols out of `model`; where all is rounded, out of integers."""
    formats = getattr(model, "formats", None)
    if formats is not None and formats.input is not None:
        return integer_outputs(model, samples)
    return model.predict(samples, batch_size=_BATCH, verbose=0)


def snr(model, blocks):
    """Effective signal-to-noise ratio in dB."""
    metric = EffectiveSNR()
    metric.update_state(blocks[1], outputs(model, blocks[0]))
    return float(metric.result())


def count_bits(model, blocks, order, power=None):
    """Bit errors of square QAM, after one phase per block.

    Args:
        model: `keras_bp.optics.Equalizer` of one or two polarizations.
        blocks: Samples and symbols.
        order: Integer, of the constellation.
        power: Float, dBm at which they were sent, or None for the launch
            power of the link.

    Returns:
        `BitErrorRate`.
    """
    scale = 1.0
    if power is not None:
        scale = 10 ** ((model.link.launch_power - power) / 20)
    received = outputs(model, blocks[0])
    return count_symbols(received * scale, blocks[1] * scale, order)


def count_symbols(received, sent, order):
    """Bit errors of square QAM of mean power 1, after one phase per block.

    Args:
        received: Float array `(batch, symbols, 2 n)`.
        sent: Float array of that shape.
        order: Integer, of the constellation.

    Returns:
        `BitErrorRate`.
    """
    qam = Constellation(order)
    y, x = as_complex(received), as_complex(sent)
    y = align_phase(y, x)
    decided, sent = qam.decide(y), qam.decide(x)
    bits = sent.size * qam.bits_per_symbol
    return BitErrorRate(qam.bit_errors(decided, sent), bits)


def as_complex(pairs):
    """`(batch, time, 2 n)` to complex `(batch, n, time)`."""
    pairs = np.asarray(pairs)
    return np.swapaxes(pairs[..., 0::2] + 1j * pairs[..., 1::2], 1, 2)


def ber_row(store, name, counted):
    """The rate with its interval, or an upper bound with too few errors."""
    qam = f"{store.config.qam}-QAM"
    if counted.reliable:
        return store.row(
            name,
            f"counted BER, {qam}, {counted.bits:,} bits",
            counted.value,
            "",
            samples=[*counted.interval(), counted.value],
        )
    return store.row(
        name,
        f"upper bound of the BER, {qam}, {counted.errors} errors in "
        f"{counted.bits:,} bits",
        counted.upper_bound(),
        "",
    )
