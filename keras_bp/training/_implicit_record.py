"""What layers are given and compute while a model runs."""

import contextlib
import dataclasses

import keras
from keras import ops

from keras_bp.training._replaced_calls import replaced_calls


@dataclasses.dataclass
class Call:
    """One call of a layer.

    Attributes:
        inputs: Tensor that the layer was given.
        logits: Its output before the activation, or None where the layer was
            run as it is.
        output: What the layer returned.
    """

    inputs: object
    logits: object
    output: object


class Record:
    """The calls of some layers.

    Args:
        layers: List of layers, each at most once.
        runs: Dictionary from a class of layers to a function that runs one and
            returns what is recorded, and the output. By default those below.
    """

    def __init__(self, layers, runs=None):
        self.layers = layers
        self._runs = _RUNS if runs is None else runs
        self._calls = {id(layer): [] for layer in layers}

    def calls(self, layer):
        """List of `Call`, in their order."""
        return self._calls[id(layer)]

    @contextlib.contextmanager
    def recording(self, watch):
        """Records the calls in its body.

        Args:
            watch: Function that a tensor is given to whose gradient will be
                asked for, though no variable leads to it.
        """
        self._watch = watch
        with replaced_calls(self.layers, self._recorder):
            yield self

    def _recorder(self, layer, original):
        run = self._runs.get(type(layer))

        def call(inputs, *args, **kwargs):
            if run is None:
                found = original(inputs, *args, **kwargs)
                self._calls[id(layer)].append(Call(inputs, None, found))
                return found
            kept, found = run(
                layer, original, self._watch, inputs, *args, **kwargs
            )
            self._calls[id(layer)].append(kept)
            return found

        return call


def dense(layer, inputs):
    """Logits of a dense layer, which its `call` does not return, and output."""
    logits = ops.matmul(inputs, layer.kernel)
    if layer.use_bias:
        logits = ops.add(logits, layer.bias)
    output = logits if layer.activation is None else layer.activation(logits)
    return logits, output


def all_steps(layer, original, inputs, *args, **kwargs):
    """States of all steps of a recurrent layer, and what it returns."""
    wanted = layer.return_sequences
    try:
        object.__setattr__(layer, "return_sequences", True)
        found = original(inputs, *args, **kwargs)
    finally:
        object.__setattr__(layer, "return_sequences", wanted)
    sequence = found[0] if layer.return_state else found
    if wanted:
        return sequence, found
    last = sequence[:, -1]
    return sequence, [last, *found[1:]] if layer.return_state else last


def _dense(layer, original, watch, inputs, *args, **kwargs):
    logits, output = dense(layer, inputs)
    return Call(inputs, logits, output), output


def _recurrent(layer, original, watch, inputs, *args, **kwargs):
    sequence, output = all_steps(layer, original, inputs, *args, **kwargs)
    return Call(inputs, None, sequence), output


_RUNS = {
    keras.layers.Dense: _dense,
    keras.layers.SimpleRNN: _recurrent,
    keras.layers.LSTM: _recurrent,
    keras.layers.GRU: _recurrent,
}
