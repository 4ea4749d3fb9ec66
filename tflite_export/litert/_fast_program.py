"""What the fast profile computes, of whichever kind its numbers are.

The same steps add operators to a graph (`_fast.py`) and compute on NumPy
arrays (`model_of_fast.py`). A number is an int16 with a step that is a power
of two.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from keras_bp.ops import FixedPoint
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._fast_checks import (
    check_int16,
    check_product,
    check_rotation,
    check_sum,
    check_supported,
)

_LARGEST_BITS = 15
# 2^14 is the largest power of two, and thus the finest 1, in an int16.
_FINEST_ONE = -14


@dataclasses.dataclass(frozen=True)
class Scaled:
    """Integers of a step.

    Args:
        value: The integers.
        exponent: Integer; the step is 2 to this power.
    """

    value: Any
    exponent: int


class Ops:
    """Computes with numbers of some kind, as far as its roundings are known.

    A kind adds `run_filter`, `run_product`, `run_sum`, `clip`, `swap` and
    `constant`.
    """

    def filter(self, spec, x):
        """Filters a signal, exactly."""
        check_supported(spec)
        return self.run_filter(spec, x)

    def multiply(self, a, b, exponent):
        """The product, rounded to a step of 2^exponent."""
        check_product(exponent - a.exponent - b.exponent)
        return self.run_product(a, b, exponent)

    def add(self, a, b, exponent, sign=1):
        """`a + sign * b` of one step, rounded to a step of 2^exponent."""
        check_sum(exponent - a.exponent)
        return self.run_sum(a, b, exponent, sign)


def run_program(chain, ops, x):
    """Computes a chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        ops: `Ops`, what `x` is computed with.
        x: `Scaled`, the input.

    Returns:
        `Scaled`, the output.

    Raises:
        ValueError: The profile cannot compute a stage.
    """
    for index, stage in enumerate(chain.stages):
        channels = chain.stage_channels[index]
        try:
            x = _run_stage(ops, stage, channels, x)
        except ValueError as error:
            if len(chain.stages) == 1:
                raise
            raise ValueError(f"{error}, in stage {index}") from error
    return x


def _run_stage(ops, stage, channels, x):
    if isinstance(stage, FIRSpec):
        return ops.filter(stage, x)
    if isinstance(stage, KerrSpec):
        check_rotation(stage)
        return _rotate(ops, stage, channels, x)
    check_int16("signal_format", stage.signal_format)
    return ops.filter(_sum(1, x, stage.output_format), x)


def _rotate(ops, spec, channels, x):
    """The Kerr rotation by "taylor2"; see `tflite_export.reference.kerr`."""
    theta = _phase(ops, spec, channels, x)
    rotation = spec.rotation_format
    largest = spec.phase_format.largest_magnitude
    # A half of its square, over a step with which 1 is an int16, too.
    half = ops.multiply(theta, ops.constant([1], -1), theta.exponent - 1)
    exponent = _fitting(theta.exponent + half.exponent, largest**2)
    exponent = max(exponent, _FINEST_ONE)
    square = ops.multiply(theta, half, exponent)
    one = ops.constant([2**-exponent], exponent)
    step = -rotation.fraction_bits
    cosine = ops.clip(ops.add(one, square, step, sign=-1), rotation)
    sine = ops.filter(_sum(1, theta, rotation), theta)
    signs = ops.constant([1, -1] * (channels // 2), 0)
    sine = ops.multiply(sine, signs, step)
    largest = spec.signal_format.largest_magnitude * _largest_factor(spec)
    exponent = _fitting(x.exponent + step, largest)
    turned = ops.add(
        ops.multiply(x, cosine, exponent),
        ops.multiply(ops.swap(x), sine, exponent),
        -spec.output_format.fraction_bits,
    )
    return ops.clip(turned, spec.output_format)


def _phase(ops, spec, channels, x):
    power_format, phase_format = spec.power_format, spec.phase_format
    largest = spec.signal_format.largest_magnitude
    exponent = _fitting(2 * x.exponent, largest**2)
    squares = ops.multiply(x, x, exponent)
    power = ops.filter(_sum(channels, squares, power_format), squares)
    taps = ops.constant(
        spec.coefficients.tolist(), -spec.coefficient_format.fraction_bits
    )
    exact = power.exponent + taps.exponent
    if len(spec.coefficients) == 1 and exact <= -phase_format.fraction_bits:
        theta = ops.multiply(power, taps, -phase_format.fraction_bits)
        return ops.clip(theta, phase_format)
    largest = power_format.largest_magnitude
    largest *= int(np.abs(spec.coefficients).max())
    weighted = ops.multiply(power, taps, _fitting(exact, largest))
    return ops.filter(_gather(weighted, phase_format, spec), weighted)


def _sum(channels, x, form):
    """The filter that sums channels, and rounds to a format."""
    return FIRSpec(
        np.ones((1, channels, 1), "int64"),
        FixedPoint(8, 0),
        FixedPoint(16, -x.exponent),
        form,
        complex=False,
    )


def _gather(x, form, spec):
    """The filter that sums channel k, k samples late."""
    num_taps = len(spec.coefficients)
    return FIRSpec(
        np.eye(num_taps, dtype="int64")[..., None],
        FixedPoint(8, 0),
        FixedPoint(16, -x.exponent),
        form,
        padding="circular",
        complex=False,
    )


def _largest_factor(spec):
    """The largest cosine or sine that a phase in range can have."""
    rotation, phase = spec.rotation_format, spec.phase_format
    theta = phase.largest_magnitude * phase.step
    largest = math.ceil(max(1, theta, theta**2 / 2 - 1) / rotation.step)
    return min(largest, rotation.largest_magnitude)


def _fitting(exponent, largest):
    """The finest step of at least 2^exponent with which an int16 holds this.

    At a power of two, the positive end saturates by one step.

    Args:
        exponent: Integer.
        largest: Integer, in steps of 2^exponent.
    """
    return exponent + max(0, (largest - 1).bit_length() - _LARGEST_BITS)
