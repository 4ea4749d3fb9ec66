"""What the steps of `benchmarks.backdrop` do: products, and memory."""

import math

import tensorflow as tf

from benchmarks import backdrop_cases as cases
from benchmarks import hlo_memory, results


def work_rows(setting):
    """Multiplications of a step, and memory by the plan of XLA."""
    data = setting.batch_of_data()
    pair = [
        cases.gradients_of(model, setting)
        for model in cases.compact_pair(setting)
    ]
    counts = [multiplications(function, data) for function in pair]
    plans = [planned_bytes(function, data) for function in pair]
    name = f"compact, rate {setting.rate:g}"
    whole, compact = (sum(forward_and_back) for forward_and_back in counts)
    return [
        results.row(
            name,
            f"multiplications of a step, {setting.title}",
            compact / 1e9,
            "10^9",
            against="the mask alone",
            against_value=whole / 1e9,
        ),
        results.row(
            name,
            f"multiplications of the backward pass, {setting.title}",
            counts[1][1] / 1e9,
            "10^9",
            against="the mask alone",
            against_value=counts[0][1] / 1e9,
        ),
        results.row(
            name,
            f"peak memory planned by XLA, {setting.title}",
            plans[1] / 2**20,
            "MiB",
            against="the mask alone",
            against_value=plans[0] / 2**20,
        ),
    ]


def multiplications(function, data):
    """How many a function needs: in the forward and in the backward pass."""
    traced = tf.function(function).get_concrete_function(data)
    found = [0, 0]
    for op in _needed(traced.outputs):
        found["gradient_tape" in op.name] += _multiplications(op)
    return tuple(found)


def _needed(tensors):
    """The operations that some tensors need; others are pruned when run."""
    found, left = {}, [tensor.op for tensor in tensors]
    while left:
        op = left.pop()
        if op.name not in found:
            found[op.name] = op
            left += [tensor.op for tensor in op.inputs]
    return found.values()


def _multiplications(op):
    if op.type == "MatMul":
        shared = op.inputs[0].shape[0 if op.get_attr("transpose_a") else 1]
        return math.prod(op.outputs[0].shape) * shared
    # Of a convolution: outputs, and the weights of each.
    if op.type == "Conv2D":
        outputs, kernel = op.outputs[0].shape, op.inputs[1].shape
    elif op.type == "Conv2DBackpropInput":
        outputs, kernel = op.inputs[2].shape, op.inputs[1].shape
    elif op.type == "Conv2DBackpropFilter":
        outputs, kernel = op.inputs[2].shape, op.outputs[0].shape
    else:
        return 0
    return math.prod(outputs) * math.prod(kernel[:3])


def planned_bytes(function, data):
    """What XLA keeps alive at most, beside weights and data."""
    compiled = tf.function(function, jit_compile=True)
    text = compiled.experimental_get_compiler_ir(data)(stage="optimized_hlo")
    return hlo_memory.peak_bytes(text)
