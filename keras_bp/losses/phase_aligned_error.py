"""The noise that is left after one constant phase per block."""

import keras
from keras import ops

from keras_bp._registration import serializable


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
    """
    noise, signal = noise_and_signal(y_true, y_pred)
    safe = ops.where(signal > 0, signal, ops.ones_like(signal))
    ratio = ops.where(signal > 0, noise / safe, ops.zeros_like(noise))
    return ops.mean(ratio, axis=-1)


def noise_and_signal(y_true, y_pred):
    """Energies of what is left after the best common phase, and of `y_true`.

    Args:
        y_true: Float tensor of shape `(batch, symbols, 2 * n)`.
        y_pred: Float tensor of that shape.

    Returns:
        Two tensors of shape `(batch, n)`, of dtype float64 where `y_pred` is,
        else float32.

    Raises:
        ValueError: The shapes differ, or hold no I/Q pairs.
    """
    y_pred, y_true = (
        ops.convert_to_tensor(y_pred),
        ops.convert_to_tensor(y_true),
    )
    rank, channels = len(y_pred.shape), y_pred.shape[-1]
    if rank != 3 or channels % 2 or y_true.shape[-1] != channels:
        raise ValueError(
            "phase_aligned_error expects two tensors of shape (batch, symbols, "
            "channels), with an even number of channels, I and Q in turns. "
            f"Received: shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
        )
    dtype = "float64" if y_pred.dtype == "float64" else "float32"
    i, q, i_hat, q_hat = (
        ops.cast(x[..., part::2], dtype)
        for x in (y_true, y_pred)
        for part in (0, 1)
    )
    real = ops.sum(i_hat * i + q_hat * q, axis=1, keepdims=True)
    imag = ops.sum(q_hat * i - i_hat * q, axis=1, keepdims=True)
    length = ops.sqrt(ops.square(real) + ops.square(imag))
    known = length > 0
    length = ops.where(known, length, ops.ones_like(length))
    cosine = ops.where(known, real / length, ops.ones_like(real))
    cosine = ops.stop_gradient(cosine)
    sine = ops.stop_gradient(imag / length)
    noise = ops.square(i_hat * cosine + q_hat * sine - i) + ops.square(
        q_hat * cosine - i_hat * sine - q
    )
    signal = ops.square(i) + ops.square(q)
    return ops.sum(noise, axis=1), ops.sum(signal, axis=1)


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
