"""The int8 profile: a chain by LiteRT's operators on int8."""

import numpy as np

from tflite_export.fir_spec import FIRSpec
from tflite_export.litert._convolution import (
    Convolution,
    convolve,
    flatten,
    pad,
    reshape,
)
from tflite_export.litert._fast_checks import check_size
from tflite_export.litert._graph import Steps
from tflite_export.litert._int8_checks import check_sums
from tflite_export.litert._int8_plan import make_plan
from tflite_export.litert._int8_program import Numbers, run_program


def build_int8(graph, chain, batch, time, names, signal):
    """Adds a whole chain to a graph.

    Args:
        graph: `Graph` of int8.
        chain: `tflite_export.ChainSpec`.
        batch: Integer, the batch size.
        time: Integer, samples of a signal.
        names: Pair of strings, names of the input and the output.
        signal: Integer array `(batch, time, channels)` on which the steps are
            chosen.

    Raises:
        ValueError: The profile cannot compute a stage.
    """
    plan = make_plan(chain, signal)
    shape = (batch, time, chain.channels)
    entry = graph.tensor(names[0], shape, plan.signals[0].steps)
    single = len(chain.stages) == 1 and isinstance(chain.stages[0], FIRSpec)
    ops = _GraphOps(graph, numbered=not single)
    filtered = run_program(chain, plan, ops, entry).value
    if filtered == entry:
        # Formats changed, and nothing else.
        scale = plan.signals[0].steps
        filtered = reshape(graph, entry, scale, names[1], shape)
    graph.rename(filtered, names[1])
    graph.inputs, graph.outputs = [entry], [filtered]


class _GraphOps:
    """Adds operators to a graph; see `run_program`."""

    def __init__(self, graph, numbered):
        self._graph = graph
        self._numbered = numbered
        self._count = 0

    def convolve(self, x, filter, affine):
        graph = self._graph
        check_size(filter.weights, graph.shape(x.value), "int8")
        self._count += 1
        filter = _convolution(filter, x.affine, affine)
        y = pad(graph, x.value, filter, self._name)
        y = convolve(graph, y, filter, self._name)
        y = flatten(graph, y, affine.steps, self._name("filtered"))
        return Numbers(y, affine)

    def multiply(self, a, b, affine):
        return self._combine("MUL", a, b, affine)

    def add(self, a, b, affine, sign=1):
        return self._combine("ADD" if sign == 1 else "SUB", a, b, affine)

    def clip(self, x, ends):
        graph = self._graph
        for name, end in zip(("MAXIMUM", "MINIMUM"), ends, strict=True):
            if end is None:
                continue
            label, scale = self._name(name.lower()), x.affine.steps
            ends = graph.constant(f"{label}_with", np.int8([end]), scale)
            clamped = graph.tensor(label, graph.shape(x.value), scale)
            graph.add(name, [x.value, ends], clamped)
            x = Numbers(clamped, x.affine)
        return x

    def swap(self, x):
        """I and Q in each other's place."""
        graph, shape = self._graph, self._graph.shape(x.value)
        order = np.arange(shape[-1], dtype="int32") ^ 1
        order = graph.constant(self._name("order"), order)
        swapped = graph.tensor(self._name("swapped"), shape, x.affine.steps)
        graph.add("GATHER", [x.value, order], swapped, axis=len(shape) - 1)
        return Numbers(swapped, x.affine)

    def constant(self, number, affine):
        name, value = self._name("constant"), np.int8([number])
        return Numbers(self._graph.constant(name, value, affine.steps), affine)

    def _combine(self, name, a, b, affine):
        graph = self._graph
        self._count += 1
        shape = np.broadcast_shapes(graph.shape(a.value), graph.shape(b.value))
        y = graph.tensor(self._name(name.lower()), shape, affine.steps)
        graph.add(name, [a.value, b.value], y)
        return Numbers(y, affine)

    def _name(self, name):
        return f"{name}_{self._count}" if self._numbered else name


def _convolution(filter, before, after):
    """A `Filter` as a `Convolution` between two `Affine`."""
    bias = filter.bias(before.step)
    check_sums(filter.weights, bias)
    of_sums = tuple(
        float(np.float32(before.step) * np.float32(step))
        for step in filter.steps
    )
    scales = {
        "signal": before.steps,
        "taps": Steps(filter.steps),
        "bias": Steps(of_sums),
        "output": after.steps,
    }
    return Convolution(
        filter.weights.astype("int8"),
        bias.astype("int32"),
        filter.padding,
        filter.strides,
        scales,
        before.zero,
    )
