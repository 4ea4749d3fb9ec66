"""A model with its input in place, to be timed."""

import numpy as np

from tflite_export.litert._interpreter import fit_input, open_whole


def prepare(model, signal, *, resolver="default"):
    """Opens a model, puts a signal in place, and returns what runs it.

    Use it to time a model: a call computes the output, on one thread, and
    neither copies nor checks anything. `run` returns the output instead.

    Args:
        model: Path of a model of whole signals, or its bytes; of integers, or
            of `to_float_flatbuffer`.
        signal: Array with the shape of the model's input: integers, or for a
            model of floats any numbers.
        resolver: String, see `run`. Defaults to `"default"`.

    Returns:
        Function without arguments.

    Raises:
        ImportError: The extra `export` is not installed.
        TypeError: `signal` does not hold integers where the model does.
        ValueError: See `run`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> model = litert.to_flatbuffer(ChainSpec.from_layer(layer), time=4)
    >>> call = litert.prepare(model, np.array([[[5], [0], [-7], [1]]]))
    >>> call()
    """
    owner = "prepare"
    interpreter, entry, _ = open_whole(model, resolver, owner=owner)
    if np.issubdtype(entry["dtype"], np.floating):
        signal = np.asarray(signal, entry["dtype"])
        shape = tuple(map(int, entry["shape"]))
        if signal.shape != shape:
            raise ValueError(
                f"{owner} expects a signal with the shape of the model's "
                f"input, {shape}. Received: shape={signal.shape}"
            )
    else:
        signal = fit_input(entry, signal, owner=owner)
    interpreter.set_tensor(entry["index"], signal)
    return interpreter.invoke
