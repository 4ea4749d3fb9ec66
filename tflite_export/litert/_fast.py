"""The fast profile: a chain by LiteRT's operators on int16."""

import numpy as np

from tflite_export.fir_spec import FIRSpec
from tflite_export.litert._convolution import (
    Convolution,
    convolve,
    flatten,
    pad,
)
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
        check_size(spec.kernel, shape)
        self._count += 1
        filter = _convolution(spec)
        y = pad(self._graph, x.value, filter, self._name)
        y = convolve(self._graph, y, filter, self._name)
        exponent = filter.scales["output"]
        y = self.clip(Scaled(y, exponent), spec.output_format).value
        y = flatten(self._graph, y, exponent, self._name("filtered"))
        return Scaled(y, exponent)

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


def _convolution(spec):
    exponents = spec.step_exponents
    scales = {
        "signal": exponents["signal_format"],
        "taps": exponents["tap_format"],
        "bias": exponents["tap_format"] + exponents["signal_format"],
        "output": exponents["output_format"],
    }
    kernel = spec.kernel.astype("int8")
    bias = np.zeros(kernel.shape[2], "int64")
    return Convolution(kernel, bias, spec.padding, spec.strides, scales)
