"""The noise that is left after one constant phase per block."""

import keras
from keras import ops

from keras_bp._registration import serializable
from keras_bp.ops._phase_alignment import noise_and_signal


def phase_aligned_error(y_true, y_pred):
    r"""Noise power over signal power, after the best common phase.

    .. math::
        \min_\theta \frac{\sum_t |\hat x_t e^{-j\theta} - x_t|^2}
        {\sum_t |x_t|^2}

    for each block and polarization, averaged over the polarizations. The
    angle is that of :math:`\sum_t \hat x_t x_t^*`; at the minimum its own
    derivative drops out of the gradient. A block of zeros gives 0.

    Args:
        y_true: Float tensor of shape `(batch, symbols, 2 * n)`, I and Q of
            each polarization.
        y_pred: Float tensor of that shape.

    Returns:
        Tensor of shape `(batch,)`, float64 where `y_pred` is, else float32.

    Raises:
        ValueError: The shapes differ, or hold no I/Q pairs.

    Example:

    >>> import numpy as np
    >>> from keras_bp.losses import phase_aligned_error
    >>> x = np.array([[[3.0, 0.0], [0.0, 4.0]]])
    >>> float(phase_aligned_error(x, 0.5 * x)[0])
    0.25
    """
    noise, signal = noise_and_signal(
        y_true, y_pred, owner="phase_aligned_error"
    )
    safe = ops.where(signal > 0, signal, ops.ones_like(signal))
    ratio = ops.where(signal > 0, noise / safe, ops.zeros_like(noise))
    return ops.mean(ratio, axis=-1)


@serializable
class PhaseAlignedError(keras.losses.Loss):
    r"""Noise power over signal power, after the best common phase.

    The loss of an equalizer whose receiver recovers a constant phase per
    block: minus 10 log10 of it is the effective signal-to-noise ratio. Since
    each block counts relative to its own power, one model can be trained on
    blocks of several launch powers. See `phase_aligned_error`.

    Args:
        reduction: String or None, see `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`.
        name: String. Defaults to `"phase_aligned_error"`.
        dtype: Dtype of the result, or None, see `keras.losses.Loss`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.losses import PhaseAlignedError
    >>> x = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> turned = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    >>> float(PhaseAlignedError()(x, turned))
    0.0
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="phase_aligned_error",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        return phase_aligned_error(y_true, y_pred)
