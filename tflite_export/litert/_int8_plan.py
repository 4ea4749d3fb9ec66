"""The steps of an int8 model, chosen on a signal.

Nothing here has to be a power of two: LiteRT's int8 kernels round in another
way on each machine, so that no steps would make them equal to the integers of
a chain, and finer steps lose less.
"""

import dataclasses

import numpy as np

from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._graph import Steps
from tflite_export.litert._int8_checks import check_chain
from tflite_export.real_model import filtered
from tflite_export.round_spec import RoundSpec

LOW, HIGH = -128, 127
_LARGEST_TAP = 127

# Of the step with which nothing saturates. The best one of Gaussian samples
# is near their peak, that of rarer peaks far below.
_FRACTIONS = np.linspace(0.2, 1.0, 81)


@dataclasses.dataclass(frozen=True)
class Affine:
    """What an int8 number q stands for: step * (q - zero).

    Args:
        step: Float, one that float32 holds.
        zero: Integer. Defaults to `0`.
    """

    step: float
    zero: int = 0

    @property
    def steps(self):
        """The same, as a tensor has it."""
        return Steps((self.step,), self.zero)

    def quantize(self, values):
        """The nearest int8 numbers, an int64 array."""
        value = np.rint(np.asarray(values, "float64") / self.step) + self.zero
        return np.clip(value, LOW, HIGH).astype("int64")

    def dequantize(self, integers):
        """What they stand for, a float64 array."""
        return self.step * (np.asarray(integers, "float64") - self.zero)


@dataclasses.dataclass(frozen=True)
class Filter:
    """A filter in int8.

    Args:
        weights: Int64 array `(num_taps, channels, outputs)`, h_0 first.
        steps: Tuple of floats, for each output that of its weights.
        offset: Float, a real number that is added to each output.
        padding: String, see `keras_bp.ops.pad_signal`.
        strides: Positive integer.
    """

    weights: np.ndarray
    steps: tuple
    offset: float = 0.0
    padding: str = "circular"
    strides: int = 1

    def bias(self, step):
        """Int64 array, the offset in units of the sums, for a signal's step."""
        return np.int64([np.rint(self.offset / step / s) for s in self.steps])


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps of all tensors that a chain passes through.

    Args:
        signals: List of `Affine`, of the input and after each stage.
        ends: List, for each stage the least and the largest number that its
            output format leaves, None where int8 saturates there by itself.
        inner: List of dictionaries, the `Affine` within a rotation.
    """

    signals: list
    ends: list
    inner: list


def make_plan(chain, signal):
    """Chooses the steps with which a signal loses least.

    Args:
        chain: `tflite_export.ChainSpec`.
        signal: Integer array `(batch, time, channels)`, samples as they will
            be.

    Returns:
        `Plan`.

    Raises:
        ValueError: The profile cannot compute a stage.
    """
    check_chain(chain)
    formats = [chain.input_format]
    integers = [signal]
    for stage in chain.stages:
        formats.append(stage.output_format)
        integers.append(stage.run(integers[-1]))
    pairs = [*zip(integers, formats, strict=True)]
    signals = [_of_signal(*pair) for pair in pairs]
    # A change of format changes no int8 number: there is one rounding less.
    for index in reversed(range(len(chain.stages))):
        if isinstance(chain.stages[index], RoundSpec):
            signals[index] = signals[index + 1]
    ends = [
        _ends(*pair, affine)
        for pair, affine in zip(pairs[1:], signals[1:], strict=True)
    ]
    inner = [
        _within(stage, before * form.step)
        if isinstance(stage, KerrSpec)
        else {}
        for stage, (before, form) in zip(chain.stages, pairs[:-1], strict=True)
    ]
    return Plan(signals, ends, inner)


def filter_of(spec):
    """The `Filter` of a `tflite_export.FIRSpec`."""
    step = spec.tap_format.step
    offset = 0.0
    if spec.output_format.rounding == "truncate" and spec.shift > 0:
        # What it takes away from a sum, on average.
        offset = (2.0**-spec.shift - 1) / 2 * spec.output_format.step
    return Filter(
        *_weights(spec.kernel, step), offset, spec.padding, spec.strides
    )


def phase_filter(spec, channels):
    """The `Filter` from squares to phases, positive and negative in turn.

    Args:
        spec: `tflite_export.KerrSpec`.
        channels: Integer, I and Q of all polarizations.
    """
    signs = np.tile([1, -1], channels // 2)
    taps = spec.coefficients[:, None, None] * np.ones((channels, 1), "int64")
    return Filter(*_weights(taps * signs, spec.coefficient_format.step))


def _weights(kernel, step):
    """Weights of an integer kernel, and for each output their step."""
    columns = [kernel[..., index] for index in range(kernel.shape[2])]
    steps = [
        _best_step(column, -_LARGEST_TAP, _LARGEST_TAP) for column in columns
    ]
    limited = [
        np.clip(np.rint(column / each), -_LARGEST_TAP, _LARGEST_TAP)
        for column, each in zip(columns, steps, strict=True)
    ]
    weights = np.stack(limited, axis=-1).astype("int64")
    return weights, tuple(_float32(step * each) for each in steps)


def _of_signal(integers, form):
    """The best `Affine` of integers of a format."""
    if form.signed:
        step = _best_step(integers, LOW, HIGH)
        return Affine(_float32(step * form.step))
    step = _best_step(integers, 0, HIGH - LOW)
    return Affine(_float32(step * form.step), LOW)


def _best_step(values, low, high):
    """The step with the least square error, in units of `values`.

    Args:
        values: Array of numbers. Integers that fit keep their step of 1.
        low: Integer, the least number of steps.
        high: Positive integer, the largest.
    """
    values = np.ravel(values)
    whole = np.issubdtype(values.dtype, np.integer)
    least, largest = float(values.min()), float(values.max())
    peak = max(largest / high, least / low if low else 0.0)
    if peak == 0 or (whole and low <= least and largest <= high):
        return 1.0
    values = values.astype("float64")

    def error(step):
        return np.sum(
            (step * np.clip(np.rint(values / step), low, high) - values) ** 2
        )

    return float(min(_FRACTIONS * peak, key=error))


def _ends(integers, form, affine):
    """The numbers at which a format ends ahead of int8, or None."""
    found = []
    for end, own in ((form.minimum_integer, LOW), (form.maximum_integer, HIGH)):
        number = int(np.rint(end * form.step / affine.step)) + affine.zero
        missing = abs(own) - abs(number) if affine.zero == 0 else own - number
        # The one step by which int8 is not symmetric counts only if the
        # signal gets there: it would cost an operator.
        needed = missing > 1 or (missing == 1 and np.any(integers == end))
        found.append(number if needed else None)
    return tuple(found)


def _within(spec, x):
    """The `Affine` of what a rotation of real samples `x` computes."""
    found = {"squares": _of_reals(x * x, least=0)}
    taps = phase_filter(spec, x.shape[2])
    theta = filtered(taps.weights * np.array(taps.steps), x * x, "circular")
    found["theta"] = _of_reals(theta)
    found["half"] = Affine(_float32(found["theta"].step / 2))
    square = theta * theta / 2
    found["square"] = _of_reals(square, least=0)
    swapped = x[..., np.arange(x.shape[2]) ^ 1]
    found["across"] = _of_reals(swapped * theta)
    found["along"] = _of_reals(x * square)
    found["turn"] = _of_reals(swapped * theta - x * square)
    return found


def _of_reals(values, least=None):
    if not np.any(values):
        return Affine(1 / HIGH)
    if least == 0:
        return Affine(_float32(_best_step(values, 0, HIGH - LOW)), LOW)
    return Affine(_float32(_best_step(values, LOW, HIGH)))


def _float32(value):
    return float(np.float32(value))
