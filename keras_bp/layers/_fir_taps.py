"""Arguments, shapes and first values of the taps of an FIR layer."""

from keras import ops

from keras_bp import _checks
from keras_bp._backend import summing_dtype
from keras_bp.layers.fixed_point_quantizer import GRADIENTS
from keras_bp.ops._exact_sums import exact_in_float32
from keras_bp.ops.fir import LARGEST_COUNT, PADDINGS

ACCUMULATORS = ("auto", "float32", "float64")


def check_arguments(
    layer, filters, num_taps, strides, symmetric, padding, accumulator
):
    """Raises `TypeError` or `ValueError` for what a FIR layer cannot be."""
    owner = type(layer).__name__
    counts = {"num_taps": num_taps, "strides": strides}
    if filters is not None:
        counts["filters"] = filters
    for name, value in counts.items():
        _checks.check_integer(
            name, value, minimum=1, maximum=LARGEST_COUNT, owner=owner
        )
    _checks.check_one_of("padding", padding, PADDINGS, owner=owner)
    _checks.check_one_of("accumulator", accumulator, ACCUMULATORS, owner=owner)
    if symmetric and num_taps % 2 == 0:
        raise ValueError(
            f"{owner} expects an odd `num_taps` when `symmetric` is true. "
            f"Received: num_taps={num_taps}"
        )


def check_rounding(layer):
    """Raises `ValueError` for a gradient or a format that cannot be."""
    owner = type(layer).__name__
    for name in ("tap_gradient", "signal_gradient"):
        _checks.check_one_of(name, getattr(layer, name), GRADIENTS, owner=owner)
    for name in ("signal_format", "output_format"):
        form = getattr(layer, name)
        if form is not None and form.max_digits is not None:
            raise ValueError(
                f"{owner} expects `max_digits` in its "
                f"`tap_format` alone. Received: {name}={form}"
            )


def accumulator_dtype(layer, wide, training):
    """The dtype in which `layer` sums, see its argument `accumulator`."""
    if wide == "float64" or layer.accumulator == "float64":
        return "float64"
    formats = (layer.tap_format, layer.signal_format)
    if layer.accumulator == "float32" or training or None in formats:
        return "float32"
    terms = layer.taps.shape[1] * layer.num_taps * (1 + layer.complex)
    largest = (form.largest_magnitude for form in formats)
    is_exact = exact_in_float32(terms, *largest)
    return summing_dtype(is_exact, type(layer).__name__)


def output_channels(layer, input_shape):
    """Number of channels that `layer` puts out, None if unknown."""
    if layer.filters is None:
        return input_shape[-1]
    return layer.filters * (1 + layer.complex)


def block_diagonal(kernel, channels):
    """Repeats a kernel of shape `(num_taps, n, n)` for every n channels."""
    num_taps, size, _ = kernel.shape
    signals = channels // size
    if signals == 1:
        return kernel
    eye = ops.reshape(
        ops.eye(signals, dtype=kernel.dtype), (1, signals, 1, signals, 1)
    )
    blocks = ops.reshape(kernel, (num_taps, 1, size, 1, size)) * eye
    return ops.reshape(blocks, (num_taps, channels, channels))


def stored_shape(layer, input_shape):
    """Shape of the weight that holds the taps of `layer`.

    Raises:
        ValueError: The channels are unknown, or odd where they are I and Q.
    """
    channels = input_shape[-1]
    if channels is None or (layer.complex and channels % 2):
        expected = (
            "an even number of channels, I and Q of each signal"
            if layer.complex
            else "a known number of channels"
        )
        raise ValueError(
            f"{type(layer).__name__} expects {expected}. "
            f"Received: shape={tuple(input_shape)}"
        )
    stored = (layer.num_taps + 1) // 2 if layer.symmetric else layer.num_taps
    if layer.filters is None:
        inputs, filters = 1, 1
    else:
        inputs = channels // 2 if layer.complex else channels
        filters = layer.filters
    return (stored, inputs, filters) + (2,) * layer.complex


def check_time(layer, input_shape):
    """Raises `ValueError` where the signal is shorter than `layer` needs."""
    time = input_shape[1]
    least = {
        "valid": layer.num_taps,
        "circular": max(1, layer.num_taps // 2),
    }.get(layer.padding, 1)
    if time is not None and time < least:
        raise ValueError(
            f"{type(layer).__name__} expects at least {least} samples for "
            f"{layer.num_taps} taps with padding={layer.padding!r}. "
            f"Received: shape={tuple(input_shape)}"
        )


def spike(layer, shape, dtype):
    """Taps that pass each input on to the output of the same number."""
    form = layer.tap_format
    height = 1.0 if form is None else min(1.0, form.maximum)
    causal = layer.padding == "causal" and not layer.symmetric
    center = 0 if causal else (layer.num_taps - 1) // 2
    passing = ops.eye(shape[1], shape[2], dtype=dtype) * height
    if layer.complex:
        passing = ops.stack([passing, ops.zeros_like(passing)], axis=-1)
    at = ops.cast(ops.arange(shape[0]) == center, dtype)
    return ops.reshape(at, (-1,) + (1,) * (len(shape) - 1)) * passing[None]
