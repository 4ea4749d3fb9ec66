"""Runs quantized models on samples in their own unit."""

import numpy as np

from keras_bp import _checks
from tflite_export.litert._int8_plan import Affine
from tflite_export.litert._interpreter import invoke, open_whole


def run_samples(model, samples, *, resolver="default"):
    """Runs a model of whole signals on real numbers, on one thread.

    The samples are rounded to the steps of the model's input, and saturate;
    the outputs are multiplied by the step of its output. A model of the
    profiles `"int8"` and `"fast"` holds its steps; one of `"exact"` does not.

    Args:
        model: Path of the model, or its bytes.
        samples: Array of real numbers with the shape of the model's input, in
            the unit of the chain's input: integers times
            `chain.input_format.step`.
        resolver: String, see `run`. Defaults to `"default"`.

    Returns:
        NumPy array of float64, in the unit of the chain's output.

    Raises:
        ImportError: The extra `export` is not installed.
        ValueError: `samples` has another shape, or is not finite; LiteRT
            cannot read the model, it is one of a stream, or has no steps; or
            `resolver` is unknown.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> chain = ChainSpec.from_layer(layer)
    >>> model = litert.to_flatbuffer(chain, profile="int8", time=4)
    >>> samples = np.array([[[0.5], [0.0], [-0.7], [0.1]]])
    >>> np.round(litert.run_samples(model, samples), 1).ravel().tolist()
    [0.5, 0.0, -0.7, 0.1]
    """
    owner = "run_samples"
    interpreter, entry, result = open_whole(model, resolver, owner=owner)
    samples = _checks.as_floats("samples", samples, owner=owner)
    shape = tuple(map(int, entry["shape"]))
    if samples.shape != shape or not np.all(np.isfinite(samples)):
        raise ValueError(
            f"{owner} expects finite samples with the shape of the model's "
            f"input, {shape}. Received: shape={samples.shape}, "
            f"{np.sum(~np.isfinite(samples))} not finite"
        )
    before, after = (affine_of(one, owner=owner) for one in (entry, result))
    ends = np.iinfo(entry["dtype"])
    rounded = np.rint(samples / before.step) + before.zero
    signal = np.clip(rounded, ends.min, ends.max).astype(entry["dtype"])
    return after.dequantize(invoke(interpreter, entry, result, signal))


def affine_of(entry, *, owner):
    """The `Affine` of an input or output of a model.

    Args:
        entry: Dictionary, one of `get_input_details` or `get_output_details`.
        owner: String, who asks, for messages.

    Raises:
        ValueError: It has no steps.
    """
    found = entry["quantization_parameters"]
    if len(found["scales"]) != 1:
        raise ValueError(
            f"{owner} expects a model of profile='int8' or 'fast', whose "
            "inputs and outputs have steps; use `litert.run` for others. "
            f"Received: {entry['name']!r} without a step"
        )
    return Affine(float(found["scales"][0]), int(found["zero_points"][0]))
