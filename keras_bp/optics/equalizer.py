"""What all equalizers of a fiber link have in common."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers.fixed_point_quantizer import wide_dtype
from keras_bp.optics.fiber_link import FiberLink
from keras_bp.optics.root_raised_cosine import root_raised_cosine


@serializable
class Equalizer(keras.Model):
    """A Keras model from received samples to symbols: the matched filter.

    The base of the equalizers, and itself the receiver that compensates
    nothing. A subclass overrides `compensate`. Train with
    `keras_bp.losses.PhaseAlignedError`, which forgives one constant phase per
    block, and measure with `keras_bp.metrics.EffectiveSNR`.

    Blocks are periodic in time. The units are those of
    `keras_bp.optics.simulate`: a signal at `link.launch_power` has mean power
    1 in each polarization.

    Args:
        link: `FiberLink`.

    Call arguments:
        x: Float tensor, received samples.
        training: Boolean, whether the model is in training mode.

    Input shape:
        `(batch, samples, 2 * link.polarizations)`, I and Q of each
        polarization at `link.samples_per_symbol`.

    Output shape:
        `(batch, samples / link.samples_per_symbol, 2 * link.polarizations)`,
        float64 under the dtype policy `float64`, else float32.

    Raises:
        TypeError: `link` is no `FiberLink`.
        ValueError: The input has another shape.

    Example:

    >>> import numpy as np
    >>> from keras_bp.optics import Equalizer, FiberLink
    >>> Equalizer(FiberLink())(np.zeros((1, 64, 2))).shape
    TensorShape([1, 32, 2])
    """

    def __init__(self, link, **kwargs):
        super().__init__(**kwargs)
        if isinstance(link, dict):
            link = keras.saving.deserialize_keras_object(link)
        if not isinstance(link, FiberLink):
            raise TypeError(
                f"{type(self).__name__} expects `link` to be a "
                f"keras_bp.optics.FiberLink. Received: link={link!r}"
            )
        self.link = link
        # Inputs keep their dtype: a cast to half precision would lose bits.
        self.autocast = False

    def build(self, input_shape):
        self._check_shape(input_shape)
        self.built = True

    def call(self, x, training=False):
        self._check_shape(x.shape)
        x = ops.cast(x, wide_dtype(self))
        return self.to_symbols(self.compensate(x, training=training))

    def compensate(self, x, training=False):
        """Undoes the link at the rate of the samples.

        Args:
            x: Float tensor of the input's shape.
            training: Boolean, whether the model is in training mode.

        Returns:
            Tensor of the same shape.
        """
        return x

    def to_symbols(self, x):
        """The matched filter, then one sample per symbol.

        It computes in floating point: what is exported ends before it.

        Args:
            x: Float tensor of the input's shape.

        Returns:
            Tensor of the output's shape.
        """
        rate = self.link.samples_per_symbol
        samples = x.shape[1]
        pulse = root_raised_cosine(samples, rate, self.link.roll_off)
        pulse = pulse / np.sqrt(np.mean(pulse**2) * rate)
        spectrum = spectrum_of(x)
        folded = tuple(
            ops.mean(
                ops.reshape(
                    part * ops.cast(pulse, part.dtype),
                    (-1, part.shape[1], rate, samples // rate),
                ),
                axis=2,
            )
            for part in spectrum
        )
        return signal_of(folded)

    def compute_output_shape(self, input_shape):
        batch, samples, channels = input_shape
        if samples is not None:
            samples //= self.link.samples_per_symbol
        return (batch, samples, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "link": keras.saving.serialize_keras_object(self.link),
        }

    def _check_shape(self, shape):
        owner = type(self).__name__
        rate, channels = (
            self.link.samples_per_symbol,
            2 * (self.link.polarizations),
        )
        expects = (
            f"(batch, samples, {channels}), samples a known multiple of {rate}"
        )
        _checks.check_rank(shape, 3, 3, owner=owner, expects=expects)
        if (
            shape[-1] != channels
            or shape[1] is None
            or shape[1] == 0
            or shape[1] % rate
        ):
            raise ValueError(
                f"{owner} expects an input of shape {expects}, for a link of "
                f"{self.link.polarizations} polarization(s). "
                f"Received: shape={tuple(shape)}"
            )


def spectrum_of(x):
    """Discrete Fourier transform of I/Q pairs along time.

    Args:
        x: Float tensor of shape `(batch, time, 2 * n)`.

    Returns:
        Real and imaginary part, each of shape `(batch, n, time)`.
    """
    parts = (ops.transpose(x[..., part::2], (0, 2, 1)) for part in (0, 1))
    return ops.fft(tuple(parts))


def signal_of(spectrum):
    """The reverse of `spectrum_of`.

    Args:
        spectrum: Pair of float tensors of shape `(batch, n, time)`.

    Returns:
        Float tensor of shape `(batch, time, 2 * n)`.
    """
    real, imag = spectrum
    # With the parts exchanged on both sides, the transform is its inverse.
    imag, real = ops.fft((imag, real))
    scale = 1.0 / real.shape[-1]
    pairs = ops.stack([real * scale, imag * scale], axis=-1)
    _, signals, time, _ = pairs.shape
    return ops.reshape(
        ops.transpose(pairs, (0, 2, 1, 3)), (-1, time, 2 * signals)
    )
