"""Runs models of a stream, block by block."""

import numpy as np

from tflite_export.litert._interpreter import fit_input, open_interpreter


class Session:
    """Runs a model in LiteRT's interpreter, and carries its state.

    The model is one that `to_flatbuffer` wrote with `streaming=True`. What it
    returns is, sample by sample, what `tflite_export.Stream` returns.

    Args:
        model: Path of the model, or its bytes.
        resolver: String, see `run`. Defaults to `"default"`.

    Raises:
        ImportError: The extra `export` is not installed.
        ValueError: LiteRT cannot read the model, or `resolver` is unknown.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> chain = ChainSpec.from_layer(layer)
    >>> model = litert.to_flatbuffer(chain, time=2, streaming=True)
    >>> session = litert.Session(model)
    >>> session.process(np.array([[[5], [0], [-7], [1]]])).ravel().tolist()
    [5, 0, -7, 1]
    """

    def __init__(self, model, *, resolver="default"):
        owner = "Session"
        self._interpreter = open_interpreter(model, resolver, owner=owner)
        inputs = _by_name(self._interpreter.get_input_details())
        outputs = _by_name(self._interpreter.get_output_details())
        # Each state, from the output of one block to the input of the next.
        self._states = [
            (outputs.pop(name[: -len("in")] + "out"), inputs.pop(name))
            for name in [*inputs]
            if name.startswith("state_") and name.endswith("_in")
        ]
        (self._signal,) = inputs.values()
        (self._filtered,) = outputs.values()
        self.reset()

    @property
    def block(self):
        """Samples that the model takes at a time."""
        return int(self._signal["shape"][1])

    def reset(self):
        """Begins another stream, with zeros before its first sample."""
        for _, entry in self._states:
            zeros = np.zeros(entry["shape"], entry["dtype"])
            self._interpreter.set_tensor(entry["index"], zeros)

    def process(self, signal):
        """Takes the next samples, and returns the next outputs.

        Args:
            signal: Integer array `(batch, time, channels)`, its time a
                multiple of the model's block.

        Returns:
            NumPy array of int64 of shape `(batch, outputs, channels)`.

        Raises:
            TypeError: `signal` does not hold integers.
            ValueError: It is of another shape, or exceeds 32 bits.
        """
        signal = np.asarray(signal)
        blocks = [signal]
        if signal.ndim == 3 and signal.shape[1]:
            starts = range(0, signal.shape[1], self.block)
            blocks = [signal[:, at : at + self.block] for at in starts]
        blocks = [
            fit_input(self._signal, block, owner="Session.process")
            for block in blocks
        ]
        return np.concatenate([self._process(block) for block in blocks], 1)

    def _process(self, block):
        interpreter = self._interpreter
        interpreter.set_tensor(self._signal["index"], block)
        interpreter.invoke()
        for kept, past in self._states:
            value = interpreter.get_tensor(kept["index"])
            interpreter.set_tensor(past["index"], value)
        filtered = interpreter.get_tensor(self._filtered["index"])
        return filtered.astype("int64")


def _by_name(entries):
    return {entry["name"]: entry for entry in entries}
