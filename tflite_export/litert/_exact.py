"""The exact profile: a chain by int32 operators, sample by sample equal."""

import numpy as np

from keras_bp.ops import padding_lengths
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._exact_kerr import add_kerr
from tflite_export.litert._frames import TIME, add_sums, pad
from tflite_export.litert._numbers import Whole
from tflite_export.litert._rounding import round_to
from tflite_export.litert._states import NoStates, States
from tflite_export.litert._wide import Arithmetic


def build_exact(graph, chain, batch, time, names, streaming):
    """Adds a whole chain to a graph.

    Inside, a signal is of shape `(channels, signals, batch, time)`, with the
    time last, so that every operator walks through memory in order. Signals
    are those that a filter of fewer channels filters one by one.

    Args:
        graph: `Graph` of int32.
        chain: `tflite_export.ChainSpec`.
        batch: Integer, the batch size.
        time: Integer, samples of a signal, or of a block.
        names: Pair of strings, names of the input and the output.
        streaming: Boolean, whether the state is an input and an output.

    Raises:
        ValueError: A stage cannot be computed exactly.
    """
    net = Arithmetic(graph)
    states = States(net) if streaming else NoStates()
    form = chain.input_format
    signal = graph.tensor(names[0], (batch, time, chain.channels))
    net.place = "the input"
    ends = form.minimum_integer, form.maximum_integer
    net.check(*ends, graph.shape(signal))
    x = Whole(signal, *ends)
    x = _transposed(net, x, (2, 0, 1))
    x = _reshaped(net, x, (chain.channels, 1, batch, time))
    for index, stage in enumerate(chain.stages):
        net.place = f"stage {index} ({type(stage).__name__})"
        x = _add_stage(net, stage, x, states)
    net.place = "the output"
    x = _arrange(net, x, chain.output_channels)
    channels, _, *rest = net.shape(x)
    x = _reshaped(net, x, (channels, *rest))
    x = _transposed(net, x, (1, 2, 0))
    graph.rename(x.tensor, names[1])
    graph.inputs = [signal, *states.inputs]
    graph.outputs = [x.tensor, *states.outputs]


def _add_stage(net, stage, x, states):
    if isinstance(stage, KerrSpec):
        return add_kerr(net, stage, _arrange(net, x, 2), states)
    fraction = stage.signal_format.fraction_bits
    if isinstance(stage, FIRSpec):
        x = _add_filter(net, stage, x, states)
        fraction += stage.tap_format.fraction_bits
    return round_to(net, x, fraction, stage.output_format)


def _add_filter(net, spec, x, states):
    """The sums of a filter, ahead of their rounding."""
    num_taps, each, _ = spec.kernel.shape
    x = _arrange(net, x, each)
    if states.streaming:
        _check_block(net, spec, net.shape(x)[TIME])
        x = states.extend(x, spec.memory, spec.signal_format)
    else:
        left, right = padding_lengths(num_taps, spec.padding)
        x = pad(net, x, left, right, spec.padding == "circular")
    return add_sums(net, x, spec.kernel, spec.strides)


def _check_block(net, spec, time):
    if time % spec.strides:
        raise ValueError(
            f"The target litert expects blocks of a multiple of "
            f"{spec.strides} samples ahead of {net.place}, as its strides "
            f"are; use another `time`. Received: {time} samples"
        )


def _arrange(net, x, each):
    """Puts `each` channels of every signal on the first axis."""
    channels, signals, *rest = net.shape(x)
    if channels == each:
        return x
    if signals > 1:
        x = _transposed(net, x, (1, 0, 2, 3))
    signals = channels * signals // each
    if signals == 1:
        return _reshaped(net, x, (each, 1, *rest))
    x = _reshaped(net, x, (signals, each, *rest))
    return _transposed(net, x, (1, 0, 2, 3))


def _reshaped(net, x, shape):
    inputs = [x.tensor, net.array(np.int64(shape))]
    return net.apply("RESHAPE", inputs, x.low, x.high, shape, newShape=shape)


def _transposed(net, x, order):
    shape = net.shape(x)
    inputs = [x.tensor, net.array(np.int64(order))]
    shape = [shape[axis] for axis in order]
    return net.apply("TRANSPOSE", inputs, x.low, x.high, shape)
