"""The integers that a quantized backpropagation stands for."""

import numpy as np

from tflite_export import reference

_BATCH = 100


def integer_outputs(model, samples):
    """The symbols of a fixed-point model, its steps run on integers.

    The gain at the end and the matched filter, which are no part of the
    fixed-point path, follow in floating point.

    Args:
        model: `keras_bp.optics.LearnedDBP` whose formats are all given, with
            `method="taylor2"`.
        samples: Float array of its input's shape.

    Returns:
        Float32 array of the shape of its output.
    """
    parts = [
        np.asarray(model.to_symbols(_signal(model, samples[first:][:_BATCH])))
        for first in range(0, len(samples), _BATCH)
    ]
    return np.concatenate(parts)


def differing_samples(model, samples):
    """How many numbers out of the layers are not those of the integers."""
    return int(
        np.sum(np.asarray(model.compensate(samples)) != _signal(model, samples))
    )


def _signal(model, samples):
    """Runs the steps of docs/fixed_point.md on int64; float32 at the end."""
    formats = model.formats
    x = reference.quantize(
        np.float32(samples) * np.float32(model.input_gain),
        formats.input,
        -formats.input.fraction_bits,
    )
    before = formats.input
    for fir, kerr in zip(model.fir_layers, model.kerr_layers, strict=True):
        x = _filtered(fir, x, before, formats)
        x = _rotated(kerr, x, formats)
        before = formats.output
    return (x * before.step).astype("float32") * np.float32(model.output_gain)


def _filtered(layer, x, before, formats):
    arguments = {
        "output": formats.fir,
        "shift": formats.taps.fraction_bits
        + before.fraction_bits
        - formats.fir.fraction_bits,
        "padding": "circular",
        "strides": 1,
        "complex": True,
    }
    taps = layer.export_taps()
    signals = [
        reference.fir(x[..., first : first + 2], taps, **arguments)
        for first in range(0, x.shape[-1], 2)
    ]
    return np.concatenate(signals, axis=-1)


def _rotated(layer, u, formats):
    signal, rotation = formats.fir.fraction_bits, formats.rotation.fraction_bits
    power = np.sum(u * u, axis=-1, keepdims=True)
    power = _rounded(power, 2 * signal, formats.power)
    theta = _rounded(
        _weighted(layer, power),
        formats.coefficient.fraction_bits + formats.power.fraction_bits,
        formats.phase,
    )
    phase = formats.phase.fraction_bits
    one = 1 << (2 * phase + 1)
    cosine = _rounded(one - theta * theta, 2 * phase + 1, formats.rotation)
    sine = _rounded(theta, phase, formats.rotation)
    i, q = u[..., 0::2], u[..., 1::2]
    turned = np.empty_like(u)
    turned[..., 0::2] = i * cosine + q * sine
    turned[..., 1::2] = q * cosine - i * sine
    return _rounded(turned, signal + rotation, formats.output)


def _weighted(layer, power):
    """The power, filtered by the coefficients of the Kerr effect."""
    half = layer.coefficient_quantizer.to_integers(layer.coefficients)
    weights = np.concatenate([half, half[-2::-1]])
    middle = len(half) - 1
    return sum(
        weight * np.roll(power, k - middle, axis=1)
        for k, weight in enumerate(weights)
    )


def _rounded(exact, fraction_bits, form):
    shift = fraction_bits - form.fraction_bits
    value = reference.round_shift(exact, shift, form.rounding)
    return reference.handle_overflow(value, form)
