"""Electronic dispersion compensation."""

import numpy as np
from keras import ops

from keras_bp._registration import serializable
from keras_bp.optics.equalizer import Equalizer, signal_of, spectrum_of


@serializable
class EDC(Equalizer):
    r"""Undoes the dispersion of the whole link, and no nonlinearity.

    One filter in the frequency domain,
    :math:`H(\omega) = \exp(-j \beta_2 \omega^2 L / 2)`: the linear equalizer
    that digital backpropagation is compared with.

    Args:
        link: `FiberLink`.

    Call arguments:
        x: Float tensor, received samples, see `Equalizer`.
        training: Boolean, without effect.

    Input shape:
        `(batch, samples, 2 * link.polarizations)`.

    Output shape:
        `(batch, samples / link.samples_per_symbol, 2 * link.polarizations)`.

    Raises:
        TypeError: `link` is no `FiberLink`.
        ValueError: The input has another shape.

    Example:

    >>> import numpy as np
    >>> from keras_bp.optics import EDC, FiberLink
    >>> EDC(FiberLink())(np.zeros((1, 64, 2))).shape
    TensorShape([1, 32, 2])
    """

    def compensate(self, x, training=False):
        link = self.link
        length = link.num_spans * link.span_length
        phase = -dispersion_phase(link, x.shape[1], length)
        cosine, sine = (
            ops.cast(part, x.dtype) for part in (np.cos(phase), np.sin(phase))
        )
        real, imag = spectrum_of(x)
        return signal_of(
            (real * cosine - imag * sine, real * sine + imag * cosine)
        )


def dispersion_phase(link, num_samples, length):
    """Phase of the fiber's transfer function at the receiver's rate.

    Args:
        link: `FiberLink`.
        num_samples: Integer, length of the transform.
        length: Float, km.

    Returns:
        Float64 array of shape `(num_samples,)`, radians.
    """
    rate = link.symbol_rate * link.samples_per_symbol
    # GHz is 1e-3 per ps.
    omega = 2 * np.pi * np.fft.fftfreq(num_samples, 1 / rate) * 1e-3
    return link.beta_2 / 2 * omega**2 * length
