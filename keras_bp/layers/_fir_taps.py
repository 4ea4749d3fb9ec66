"""Shapes and first values of the taps of an FIR layer."""

from keras import ops


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
    if layer.complex:
        return (stored, channels // 2, layer.filters, 2)
    return (stored, channels, layer.filters)


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
