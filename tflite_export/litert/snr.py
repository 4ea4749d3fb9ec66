"""How far a model is from the exact integers."""

import numpy as np

from tflite_export.litert._interpreter import fit_input, invoke, open_whole
from tflite_export.litert.run_samples import run_samples
from tflite_export.litert.to_flatbuffer import as_chain
from tflite_export.real_model import run_real


def snr(chain, model, signal, *, resolver="default"):
    """Signal-to-noise ratio of a model, its errors the noise.

    Args:
        chain: `tflite_export.ChainSpec`, whose `run` gives the exact integers.
        model: Path of a model of whole signals, or its bytes; or a function,
            such as `model_of_fast` returns. To one of int8, the signal is
            rounded as well, which counts as an error.
        signal: Integer array with the shape of the model's input, of the
            chain's.
        resolver: String, see `run`. Defaults to `"default"`.

    Returns:
        Float, in dB; infinite where all integers agree.

    Raises:
        ImportError: The extra `export` is not installed.
        TypeError: `signal` does not hold integers.
        ValueError: `signal` has another shape, or is out of range; or LiteRT
            cannot read the model.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> chain = ChainSpec.from_layer(layer)
    >>> model = litert.to_flatbuffer(chain, profile="fast", time=4)
    >>> litert.snr(chain, model, np.array([[[5], [0], [-7], [1]]]))
    inf
    """
    chain = as_chain(chain)
    exact = chain.run(signal)
    return ratio(outputs_of(chain, model, signal, resolver), exact)


def outputs_of(chain, model, signal, resolver="default"):
    """What a model makes of integers, in steps of the chain's output.

    Args:
        chain: `tflite_export.ChainSpec`.
        model: See `snr`.
        signal: Integer array, of the chain's input.
        resolver: String, see `run`. Defaults to `"default"`.

    Returns:
        Array; for a model of int8, of float64.
    """
    if callable(model):
        return model(signal)
    opened = open_whole(model, resolver, owner="snr")
    if opened[1]["dtype"] != np.int8:
        return invoke(*opened, fit_input(opened[1], signal, owner="snr"))
    samples = signal * chain.input_format.step
    found = run_samples(model, samples, resolver=resolver)
    return found / chain.output_format.step


def real_outputs(chain, signal):
    """What the taps of a chain make of integers if nothing is rounded."""
    samples = signal * chain.input_format.step
    y = run_real(chain, [None] * len(chain.stages), samples)
    return y / chain.output_format.step


def ratio(found, expected):
    """Of what is expected to the errors, in dB."""
    noise = np.sum(np.square(found - expected, dtype="float64"))
    if noise == 0:
        return float("inf")
    power = np.sum(np.square(expected, dtype="float64"))
    # Silence with errors has no signal at all.
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power / noise))
