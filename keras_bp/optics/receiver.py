"""From the field at the end of the link to samples."""

import numpy as np

from keras_bp import _checks
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.fiber_link import check_link


def receiver(u, link):
    """Low-pass filter and resampling.

    An ideal coherent receiver: the spectrum beyond `link.receiver_bandwidth`
    is cut off, and that beyond the new rate of samples is not kept. There is
    no laser noise to recover from; the phase that the Kerr effect leaves is
    taken off by `align_phase`.

    Args:
        u: Complex tensor of shape `(batch, polarizations, time)` at
            `link.simulation_samples_per_symbol`, with a whole number of
            symbols.
        link: `FiberLink`.

    Returns:
        Tensor of the same dtype, at `link.samples_per_symbol`.

    Raises:
        ValueError: The time does not hold a whole number of symbols.
    """
    check_link(link, "receiver")
    u = tf.convert_to_tensor(u)
    before, after = link.simulation_samples_per_symbol, link.samples_per_symbol
    time = u.shape[-1] if u.shape.rank == 3 else None
    if not time or time % before:
        raise ValueError(
            "receiver expects a known time that is a multiple of "
            f"{before} samples per symbol. Received: shape={tuple(u.shape)}"
        )
    kept = time // before * after
    spectrum = tf.signal.fft(u)
    high = (kept + 1) // 2
    spectrum = tf.concat(
        [spectrum[..., :high], spectrum[..., time - (kept - high) :]], axis=-1
    )
    if link.receiver_bandwidth is not None:
        rate = link.symbol_rate * after
        f = np.abs(np.fft.fftfreq(kept, 1 / rate))
        passed = f <= link.receiver_bandwidth / 2 * (1 + 1e-12)
        spectrum = spectrum * tf.constant(passed, u.dtype)
    return tf.signal.ifft(spectrum) * (kept / time)


def align_phase(received, sent):
    """Takes off the phase that each block has in common: a genie's recovery.

    It knows what was sent. A real receiver has pilots or a blind algorithm,
    and loses a little more.

    Args:
        received: Complex array of shape `(..., symbols)`.
        sent: Complex array of that shape.

    Returns:
        Complex array of that shape: `received`, turned by one angle per
        block, the one that brings it closest to `sent`.
    """
    received = _checks.as_complex("received", received, owner="align_phase")
    sent = _checks.as_complex("sent", sent, owner="align_phase")
    common = np.sum(received * np.conj(sent), axis=-1, keepdims=True)
    return received * np.exp(-1j * np.angle(common))
