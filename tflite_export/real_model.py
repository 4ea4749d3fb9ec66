"""What a chain would compute if nothing in it were rounded."""

import numpy as np

from keras_bp.ops import padding_lengths
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec


def run_real(chain, real, samples):
    """Runs the stages in float64, without a rounding.

    Args:
        chain: `ChainSpec`.
        real: List, for each stage its taps or coefficients before they were
            rounded, or None for those of the integers.
        samples: Float array `(batch, time, channels)`, in the unit of the
            chain's input.

    Returns:
        Float64 array `(batch, new_time, output_channels)`, in the unit of the
        chain's output.
    """
    x = np.asarray(samples, "float64")
    for stage, numbers in zip(chain.stages, real, strict=True):
        if isinstance(stage, FIRSpec):
            kernel = real_kernel(stage, numbers)
            x = filtered(kernel, x, stage.padding, stage.strides)
        elif isinstance(stage, KerrSpec):
            x = _turned(stage, numbers, x)
    return x


def snr_of_integers(chain, real, integers):
    """Ratio of signal to rounding errors, of the whole chain.

    Args:
        chain: `ChainSpec`.
        real: See `run_real`.
        integers: Integer array `(batch, time, channels)`, inputs.

    Returns:
        Float, dB.
    """
    wanted = run_real(chain, real, integers * chain.input_format.step)
    found = chain.run(integers) * chain.output_format.step
    error = np.sum((found - wanted) ** 2)
    if error == 0:
        return float("inf")
    return float(10 * np.log10(np.sum(wanted**2) / error))


def real_kernel(stage, numbers):
    """The kernel `(num_taps, channels, outputs)` in real numbers."""
    if numbers is None:
        return stage.kernel * stage.tap_format.step
    if not stage.complex:
        return numbers
    a, b = numbers[..., 0], numbers[..., 1]
    blocks = np.stack(
        [np.stack([a, b], axis=-1), np.stack([-b, a], axis=-1)], axis=2
    )
    return blocks.reshape(stage.kernel.shape)


def filtered(kernel, x, padding, strides=1):
    """A filter in float64.

    Args:
        kernel: Array `(num_taps, channels, outputs)`, h_0 first.
        x: Array `(batch, time, channels)`, or n times the channels.
        padding: String, see `keras_bp.ops.pad_signal`.
        strides: Positive integer. Defaults to `1`.

    Returns:
        Float64 array `(batch, new_time, outputs)`, or n times the outputs.
    """
    count, each, outputs = kernel.shape
    kernel = kernel.astype("float64")
    left, right = padding_lengths(count, padding)
    mode = "wrap" if padding == "circular" else "constant"
    x = np.pad(x, [(0, 0), (left, right), (0, 0)], mode=mode)
    batch, time, channels = x.shape
    x = x.reshape(batch, time, channels // each, each)
    span = time - count + 1
    y = sum(
        x[:, last : last + span : strides] @ tap
        for last, tap in enumerate(kernel[::-1])
    )
    return y.reshape(batch, -1, channels // each * outputs)


def _turned(stage, numbers, x):
    if numbers is None:
        numbers = stage.coefficients * stage.coefficient_format.step
    power = np.sum(x * x, axis=-1, keepdims=True)
    middle = len(numbers) // 2
    theta = sum(
        weight * np.roll(power, k - middle, axis=1)
        for k, weight in enumerate(numbers)
    )
    cosine, sine = np.cos(theta), np.sin(theta)
    i, q = x[..., 0::2], x[..., 1::2]
    turned = np.empty_like(x)
    turned[..., 0::2] = i * cosine + q * sine
    turned[..., 1::2] = q * cosine - i * sine
    return turned
