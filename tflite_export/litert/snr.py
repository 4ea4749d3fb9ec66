"""How far a model is from the exact integers."""

import numpy as np

from tflite_export.litert.run import run
from tflite_export.litert.to_flatbuffer import as_chain


def snr(chain, model, signal, *, resolver="default"):
    """Signal-to-noise ratio of a model, its errors the noise.

    Args:
        chain: `tflite_export.ChainSpec`, whose `run` gives the exact integers.
        model: Path of a model of whole signals, or its bytes; or a function,
            such as `model_of_fast` returns.
        signal: Integer array with the shape of the model's input.
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
    exact = as_chain(chain).run(signal)
    if callable(model):
        found = model(signal)
    else:
        found = run(model, signal, resolver=resolver)
    noise = np.sum(np.square(found - exact, dtype="float64"))
    if noise == 0:
        return float("inf")
    power = np.sum(np.square(exact, dtype="float64"))
    # Silence with errors has no signal at all.
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power / noise))
