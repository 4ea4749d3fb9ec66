"""The signal-to-noise ratio of received symbols."""

import keras
import numpy as np
from keras import ops

from keras_bp._registration import serializable
from keras_bp.ops._phase_alignment import noise_and_signal


@serializable
class EffectiveSNR(keras.metrics.Metric):
    r"""Signal-to-noise ratio in dB, after one constant phase per block.

    .. math::
        -10 \log_{10} \frac{\sum |\hat x e^{-j\theta} - x|^2}{\sum |x|^2}

    over all blocks since the last reset. The phase of each block and
    polarization is the best one for what was sent: a genie's recovery. What
    the equalizer did not undo counts as noise, and so does a wrong gain.

    Args:
        name: String. Defaults to `"effective_snr"`.
        dtype: Dtype of the sums, or None for float32.

    Raises:
        ValueError: The shapes differ, or hold no I/Q pairs.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import EffectiveSNR
    >>> metric = EffectiveSNR()
    >>> sent = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> metric.update_state(sent, 1.1 * sent)
    >>> round(float(metric.result()), 3)
    20.0
    """

    def __init__(self, name="effective_snr", dtype=None):
        super().__init__(name=name, dtype=dtype or "float32")
        self.noise = self.add_variable((), "zeros", name="noise")
        self.signal = self.add_variable((), "zeros", name="signal")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds blocks.

        Args:
            y_true: Float tensor of shape `(batch, symbols, 2 * n)`.
            y_pred: Float tensor of that shape.
            sample_weight: Float tensor of shape `(batch,)`, or None.
        """
        sums = noise_and_signal(y_true, y_pred, owner=type(self).__name__)
        for total, energy in zip((self.noise, self.signal), sums, strict=True):
            energy = ops.sum(energy, axis=-1)
            if sample_weight is not None:
                weight = ops.reshape(sample_weight, (-1,))
                energy = energy * ops.cast(weight, energy.dtype)
            total.assign_add(ops.cast(ops.sum(energy), total.dtype))

    def result(self):
        """The ratio in dB.

        Infinite without noise, minus infinity without signal, and NaN without
        both.
        """
        ratio = ops.cast(self.signal, self.dtype) / self.noise
        return 10.0 / np.log(10.0) * ops.log(ratio)
