"""What the int8 profile computes, of whichever kind its numbers are.

The same steps add operators to a graph (`_int8.py`) and compute on NumPy
arrays (`model_of_int8.py`).
"""

import dataclasses
from typing import Any

from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._int8_plan import (
    HIGH,
    Affine,
    filter_of,
    phase_filter,
)


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Int8 numbers.

    Args:
        value: The numbers.
        affine: `Affine`, what they stand for.
    """

    value: Any
    affine: Affine


def run_program(chain, plan, ops, value):
    """Computes a chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        plan: `Plan` of the chain.
        ops: What it is computed with: `convolve`, `multiply`, `add`, `clip`,
            `swap` and `constant`.
        value: The input.

    Returns:
        `Numbers`, the output.
    """
    x = Numbers(value, plan.signals[0])
    for index, stage in enumerate(chain.stages):
        after = plan.signals[index + 1]
        if isinstance(stage, FIRSpec):
            x = ops.convolve(x, filter_of(stage), after)
        elif isinstance(stage, KerrSpec):
            channels = chain.stage_channels[index]
            x = _rotate(ops, stage, channels, x, plan.inner[index], after)
        x = ops.clip(x, plan.ends[index])
    return x


def _rotate(ops, spec, channels, x, inner, after):
    """The Kerr rotation by "taylor2".

    With the phase t, I + (Q t - I t^2/2) and Q - (I t + Q t^2/2): what is
    added is small, and has steps of its own. As a cosine of 8 bits, 1 - t^2/2
    would be 1.
    """
    squares = ops.multiply(x, x, inner["squares"])
    theta = ops.convolve(squares, phase_filter(spec, channels), inner["theta"])
    # Over a step so small that the product of the steps is a fraction, too.
    half = ops.constant(HIGH, Affine(0.5 / HIGH))
    half = ops.multiply(theta, half, inner["half"])
    square = ops.multiply(theta, half, inner["square"])
    across = ops.multiply(ops.swap(x), theta, inner["across"])
    along = ops.multiply(x, square, inner["along"])
    turn = ops.add(across, along, inner["turn"], sign=-1)
    return ops.add(x, turn, after)
