"""Recurrent layers as constraints: the state of each step is an unknown."""

import keras
from keras import ops

from keras_bp.training._implicit_layers import wide

RECURRENT = (keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM)


class Recurrent:
    """A recurrent layer whose steps are computed side by side.

    Args:
        layer: `SimpleRNN`, `GRU` or `LSTM`.
        steps: Integer, length of its sequences.
    """

    def __init__(self, layer, steps):
        self.layer, self.steps = layer, steps
        size = layer.cell.state_size
        self.sizes = list(size) if isinstance(size, (list, tuple)) else [size]

    def shapes(self):
        """Shapes of its unknowns, without the axis of examples."""
        return [(self.steps, size) for size in self.sizes]

    def names(self):
        """Names of its unknowns."""
        name = self.layer.name
        return [name] if len(self.sizes) == 1 else [name, f"{name}_carry"]

    def predict(self, inputs, states):
        """What each step makes of its input and of the step before.

        Args:
            inputs: Tensor `(batch, steps, features)`.
            states: List of tensors `(batch, steps, size)`.

        Returns:
            List of tensors as `states`.
        """
        before = [
            ops.concatenate([ops.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
            for x in states
        ]
        flat = [ops.reshape(x, (-1, x.shape[-1])) for x in before]
        rows = ops.reshape(self._ordered(inputs), (-1, inputs.shape[-1]))
        _, found = self.layer.cell(rows, self._cast(flat))
        return [
            ops.reshape(x, (-1, self.steps, x.shape[-1]))
            for x in keras.tree.flatten(found)
        ]

    def run(self, inputs, slack=None):
        """The states of all steps, one after the other.

        Args:
            inputs: Tensor `(batch, steps, features)`.
            slack: List of tensors `(batch, steps, size)` that are added to the
                states, or None.
        """
        cell = self.layer.cell
        rows = ops.swapaxes(self._ordered(inputs), 0, 1)
        batch = ops.shape(inputs)[0]
        dtype = self.layer.compute_dtype
        start = [ops.zeros((batch, size), dtype) for size in self.sizes]

        offsets = [ops.swapaxes(x, 0, 1) for x in slack or ()]

        def step(states, row):
            row, *offset = row
            _, found = cell(row, states)
            found = keras.tree.flatten(found)
            for place, each in enumerate(offset):
                found[place] = found[place] + ops.cast(each, found[place].dtype)
            return found, found

        _, found = ops.scan(step, start, [rows, *offsets])
        found = [ops.swapaxes(x, 0, 1) for x in found]
        return [wide(x) for x in found]

    def outputs(self, states):
        """What the layer returns, as a flat list."""
        layer = self.layer
        last = [x[:, -1] for x in states]
        # Of a backward layer too in the order in which it was read.
        first = states[0] if layer.return_sequences else last[0]
        return [first, *last] if layer.return_state else [first]

    def _cast(self, states):
        dtype = self.layer.compute_dtype
        return [ops.cast(x, dtype) for x in states]

    def _ordered(self, inputs):
        inputs = ops.cast(inputs, self.layer.compute_dtype)
        return ops.flip(inputs, axis=1) if self.layer.go_backwards else inputs
