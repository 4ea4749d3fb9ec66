"""The integers that a quantized backpropagation stands for."""

import numpy as np

from tflite_export import ChainSpec

_BATCH = 100


def integer_outputs(model, samples):
    """The symbols of a fixed-point model, its steps run on integers.

    The gain at the end and the matched filter, which are no part of the
    fixed-point path, follow in floating point.

    Args:
        model: `keras_bp.optics.LearnedDBP` whose formats are all given.
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
    chain = ChainSpec.from_layer(model)
    integers = chain.run(chain.quantize(samples))
    signal = (integers * chain.output_format.step).astype("float32")
    return signal * np.float32(chain.output_gain)
