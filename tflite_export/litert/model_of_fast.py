"""The NumPy model of the fast profile: LiteRT's own rounding."""

import numpy as np

from tflite_export._signals import as_int64, check_range
from tflite_export.litert._fast_program import Ops, Scaled, run_program
from tflite_export.litert.to_flatbuffer import as_chain


def model_of_fast(chain):
    r"""What a model of the fast profile computes, on NumPy arrays.

    Filters, and the sums of powers, are exact, and rounded half up. A product
    of two int16 is rounded twice, over 2 half up, then over the rest of its
    power of two half away from zero. The sum or difference of two int16 is
    rounded half away from zero. All saturate. On every resolver, the
    interpreter gives these integers.

    Args:
        chain: `tflite_export.ChainSpec` that `to_flatbuffer` takes with
            `profile="fast"`.

    Returns:
        Function of an integer array `(batch, time, channels)` that returns
        the int64 array `(batch, new_time, outputs)`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import ChainSpec, KerrSpec, litert
    >>> signal, power = FixedPoint(10, 7), FixedPoint(10, 5, signed=False)
    >>> spec = KerrSpec(np.array([256]), signal, power,
    ...     FixedPoint(10, 10, signed=False), FixedPoint(10, 10, signed=False),
    ...     FixedPoint(10, 8), signal)
    >>> run = litert.model_of_fast(ChainSpec([spec], channels=2))
    >>> run(np.array([[[128, 0]]])).tolist()
    [[[124, -32]]]
    """
    chain = as_chain(chain)
    form = chain.input_format

    def run(signal):
        owner = "model_of_fast"
        signal = as_int64("signal", signal, owner=owner)
        check_range("signal", signal, form, owner=owner)
        x = Scaled(signal, -form.fraction_bits)
        return run_program(chain, _ArrayOps(), x).value

    return run


class _ArrayOps(Ops):
    """Computes on int64 arrays what LiteRT computes; see `run_program`."""

    def run_filter(self, spec, x):
        return Scaled(spec.run(x.value), -spec.output_format.fraction_bits)

    def run_product(self, a, b, exponent):
        product = a.value * b.value
        shift = exponent - a.exponent - b.exponent
        if shift > 0:
            product = _half_away((product + 1) >> 1, shift - 1)
        return Scaled(_saturate(product), exponent)

    def run_sum(self, a, b, exponent, sign):
        shift = exponent - a.exponent
        value = (a.value + sign * b.value) << max(0, -shift)
        return Scaled(_saturate(_half_away(value, shift)), exponent)

    def clip(self, x, form):
        low, high = form.minimum_integer, form.maximum_integer
        return Scaled(np.clip(x.value, low, high), x.exponent)

    def swap(self, x):
        order = np.arange(x.value.shape[-1]) ^ 1
        return Scaled(x.value[..., order], x.exponent)

    def constant(self, values, exponent):
        return Scaled(np.int64(values), exponent)


def _half_away(value, shift):
    """`value` over 2^shift, rounded half away from zero."""
    if shift <= 0:
        return value
    half = 1 << (shift - 1)
    return np.where(
        value < 0, -((half - value) >> shift), (value + half) >> shift
    )


def _saturate(value):
    ends = np.iinfo("int16")
    return np.clip(value, ends.min, ends.max)
