"""The fast profile: a chain by LiteRT's operators on int16."""

import numpy as np

from keras_bp.ops import padding_lengths
from tflite_export.fir_spec import FIRSpec
from tflite_export.litert._fast_checks import check_size
from tflite_export.litert._fast_program import Ops, Scaled, run_program


def build_fast(graph, chain, batch, time, names):
    """Adds a whole chain to a graph.

    Args:
        graph: `Graph` of int16.
        chain: `tflite_export.ChainSpec`.
        batch: Integer, the batch size.
        time: Integer, samples of a signal.
        names: Pair of strings, names of the input and the output.

    Raises:
        ValueError: The profile cannot compute a stage.
    """
    exponent = -chain.input_format.fraction_bits
    signal = graph.tensor(names[0], (batch, time, chain.channels), exponent)
    single = len(chain.stages) == 1 and isinstance(chain.stages[0], FIRSpec)
    ops = _GraphOps(graph, numbered=not single)
    filtered = run_program(chain, ops, Scaled(signal, exponent))
    graph.rename(filtered.value, names[1])
    graph.inputs, graph.outputs = [signal], [filtered.value]


class _GraphOps(Ops):
    """Adds operators to a graph; see `run_program`."""

    def __init__(self, graph, numbered):
        self._graph = graph
        self._numbered = numbered
        self._count = 0

    def run_filter(self, spec, x):
        shape = self._graph.shape(x.value)
        check_size(spec, shape)
        self._count += 1
        y = _pad(self._graph, x, spec, self._name)
        y = _convolve(self._graph, y, spec, self._name)
        y = self.clip(y, spec.output_format)
        batch, new_time, signals, outputs = self._graph.shape(y.value)
        shape = (batch, new_time, signals * outputs)
        return _reshape(self._graph, y, self._name("filtered"), shape)

    def run_product(self, a, b, exponent):
        return self._combine("MUL", a, b, exponent)

    def run_sum(self, a, b, exponent, sign):
        name = "ADD" if sign == 1 else "SUB"
        return self._combine(name, a, b, exponent, potScaleInt16=False)

    def clip(self, x, form):
        """The ends of a range that is narrower than that of int16."""
        graph, whole = self._graph, np.iinfo("int16")
        for name, end, free in (
            ("MAXIMUM", form.minimum_integer, whole.min),
            ("MINIMUM", form.maximum_integer, whole.max),
        ):
            if end == free:
                continue
            label = self._name(name.lower())
            ends = graph.constant(f"{label}_with", np.int16([end]), x.exponent)
            clamped = graph.tensor(label, graph.shape(x.value), x.exponent)
            graph.add(name, [x.value, ends], clamped)
            x = Scaled(clamped, x.exponent)
        return x

    def swap(self, x):
        """I and Q in each other's place."""
        graph, shape = self._graph, self._graph.shape(x.value)
        order = np.arange(shape[-1], dtype="int32") ^ 1
        order = graph.constant(self._name("order"), order)
        swapped = graph.tensor(self._name("swapped"), shape, x.exponent)
        graph.add("GATHER", [x.value, order], swapped, axis=len(shape) - 1)
        return Scaled(swapped, x.exponent)

    def constant(self, values, exponent):
        values = np.int16(values)
        tensor = self._graph.constant(self._name("constant"), values, exponent)
        return Scaled(tensor, exponent)

    def _combine(self, name, a, b, exponent, **options):
        graph = self._graph
        self._count += 1
        shape = np.broadcast_shapes(graph.shape(a.value), graph.shape(b.value))
        y = graph.tensor(self._name(name.lower()), shape, exponent)
        graph.add(name, [a.value, b.value], y, **options)
        return Scaled(y, exponent)

    def _name(self, name):
        return f"{name}_{self._count}" if self._numbered else name


def _pad(graph, x, spec, name):
    """Adds the samples before and after, zeros or the other end."""
    batch, time, channels = graph.shape(x.value)
    left, right = padding_lengths(len(spec.taps), spec.padding)
    parts = []
    for side, length, begin in (
        ("before", left, time - left),
        ("after", right, 0),
    ):
        if length == 0:
            continue
        side, shape = name(side), (batch, length, channels)
        if spec.padding == "circular":
            part = graph.tensor(side, shape, x.exponent)
            start = graph.constant(f"{side}_begin", np.int32([0, begin, 0]))
            size = graph.constant(f"{side}_size", np.int32(shape))
            graph.add("SLICE", [x.value, start, size], part)
        else:
            part = graph.constant(side, np.zeros(shape, "int16"), x.exponent)
        parts.append(part)
    if not parts:
        return x
    parts.insert(int(left > 0), x.value)
    shape = (batch, left + time + right, channels)
    padded = graph.tensor(name("padded"), shape, x.exponent)
    graph.add("CONCATENATION", parts, padded, axis=1)
    return Scaled(padded, x.exponent)


def _convolve(graph, x, spec, name):
    """Adds the convolution, its time on the axis of height.

    Signals that one filter takes one by one lie on the axis of width.
    """
    exponents, kernel = spec.step_exponents, spec.kernel
    batch, time, channels = graph.shape(x.value)
    num_taps, each, outputs = kernel.shape
    shape = (batch, time, channels // each, each)
    image = _reshape(graph, x, name("image"), shape)
    # CONV_2D correlates, and has the outputs first.
    weights = kernel[::-1].transpose(2, 0, 1)[:, :, None, :].astype("int8")
    new_time = (time - num_taps) // spec.strides + 1
    exponent = exponents["output_format"]
    shape = (batch, new_time, channels // each, outputs)
    y = graph.tensor(name("rounded"), shape, exponent)
    taps = graph.constant(name("taps"), weights, exponents["tap_format"])
    bias = graph.constant(
        name("bias"),
        np.zeros(outputs, "int64"),
        exponents["tap_format"] + exponents["signal_format"],
    )
    graph.add(
        "CONV_2D",
        [image.value, taps, bias],
        y,
        padding=graph.enum("Padding", "VALID"),
        strideH=spec.strides,
        strideW=1,
    )
    return Scaled(y, exponent)


def _reshape(graph, x, name, shape):
    reshaped = graph.tensor(name, shape, x.exponent)
    new_shape = graph.constant(f"{name}_shape", np.int32(shape))
    graph.add("RESHAPE", [x.value, new_shape], reshaped, newShape=shape)
    return Scaled(reshaped, x.exponent)
