"""The integer-exact model of a chain that gets a signal in blocks."""

import numpy as np

from keras_bp import _checks
from tflite_export import reference
from tflite_export._signals import as_int64, check_range
from tflite_export.chain_spec import check_chain
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec


class Stream:
    """Filters a signal block by block, and carries the state between them.

    What the C and Verilog targets do. Before the first sample there are
    zeros, as with `padding="causal"`; a filter of another padding, or with a
    filter on the power, lags by its `delay`, so that, but for the ends of a
    signal, the output is that of `ChainSpec.run`, `ChainSpec.delay` samples
    of the input later. With strides that holds where the lag at each filter
    is a multiple of them, see `ChainSpec.delay`: the first sample always
    gives an output. How a signal is cut into blocks makes no difference.

    Args:
        chain: `ChainSpec`.
        batch: Positive integer, signals at a time. Defaults to `1`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, Stream
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> stream = Stream(ChainSpec.from_layer(layer))
    >>> [stream.process(np.array([[[x]]])).item() for x in (5, 0, -7)]
    [5, 0, -7]
    """

    def __init__(self, chain, batch=1):
        check_chain(chain, "Stream")
        _checks.check_integer("batch", batch, minimum=1, owner="Stream")
        self.chain = chain
        self.batch = batch
        kinds = {FIRSpec: _FIRState, KerrSpec: _KerrState}
        self._states = [
            kinds.get(type(stage), _Stateless)(stage, channels, batch)
            for stage, channels in zip(
                chain.stages, chain.stage_channels, strict=False
            )
        ]

    def process(self, block):
        """Takes the next samples, and returns the next outputs.

        Args:
            block: Integer array `(batch, time, channels)`, of any time,
                within the range of the chain's `input_format`.

        Returns:
            NumPy array of int64 of shape `(batch, outputs, channels)`; as
            many outputs as inputs, but for strides.

        Raises:
            TypeError: `block` does not hold integers.
            ValueError: It is out of range, or of another shape.
        """
        owner = "Stream.process"
        block = as_int64("block", block, owner=owner)
        expected = (self.batch, None, self.chain.channels)
        if block.ndim != 3 or (block.shape[0], block.shape[2]) != (
            expected[0],
            expected[2],
        ):
            raise ValueError(
                f"{owner} expects a block of shape {expected}. "
                f"Received: shape={block.shape}"
            )
        check_range("block", block, self.chain.input_format, owner=owner)
        for state in self._states:
            block = state.process(block)
        return block


class _Stateless:
    def __init__(self, stage, channels, batch):
        self.stage = stage

    def process(self, x):
        return self.stage.run(x)


class _FIRState:
    """The last samples, and where the next output falls."""

    def __init__(self, stage, channels, batch):
        self.stage = stage
        self.past = np.zeros((batch, stage.memory, channels), "int64")
        # Samples until the next one that gives an output.
        self.wait = 0

    def process(self, x):
        stage, time = self.stage, x.shape[1]
        x = np.concatenate([self.past, x], axis=1)
        self.past = x[:, x.shape[1] - stage.memory :]
        start, self.wait = self.wait, (self.wait - time) % stage.strides
        _, each, outputs = stage.kernel.shape
        count = x.shape[2] // each
        if start >= time:
            return np.zeros((len(x), 0, count * outputs), "int64")
        parts = [
            reference.fir(
                x[:, start:, first : first + each],
                stage.taps,
                output=stage.output_format,
                shift=stage.shift,
                padding="valid",
                strides=stage.strides,
                complex=stage.complex,
            )
            for first in range(0, x.shape[2], each)
        ]
        return np.concatenate(parts, axis=2)


class _KerrState:
    """The last powers, and the samples that wait for their phase."""

    def __init__(self, stage, channels, batch):
        self.stage = stage
        self.power = np.zeros((batch, stage.memory, 1), "int64")
        self.past = np.zeros((batch, stage.delay, channels), "int64")

    def process(self, x):
        stage, time = self.stage, x.shape[1]
        power = reference.kerr_power(x, stage)
        power = np.concatenate([self.power, power], axis=1)
        self.power = power[:, time:]
        x = np.concatenate([self.past, x], axis=1)
        self.past = x[:, time:]
        weighted = sum(
            int(weight) * power[:, k : k + time]
            for k, weight in enumerate(stage.coefficients)
        )
        return reference.kerr_turn(x[:, :time], weighted, stage)
