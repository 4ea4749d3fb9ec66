"""The integer reference against fixed-point types written by others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import ROUNDINGS
from tflite_export import FIRSpec, KerrSpec, reference

apytypes = pytest.importorskip("apytypes")

MODES = {
    "nearest": apytypes.QuantizationMode.TIES_POS,
    "nearest_even": apytypes.QuantizationMode.TIES_EVEN,
    "truncate": apytypes.QuantizationMode.TO_NEG,
    "toward_zero": apytypes.QuantizationMode.TO_ZERO,
}
OVERFLOWS = {
    "saturate": apytypes.OverflowMode.SAT,
    "wrap": apytypes.OverflowMode.WRAP,
}
DRAWN = settings(max_examples=100, deadline=None, derandomize=True)


def fixed(integers, form):
    """Integers of a format as an array of the other package, signed."""
    # One bit more where the format has no sign.
    bits = form.word_length + (not form.signed)
    integers = np.asarray(integers)
    return apytypes.APyFixedArray(
        [int(x) for x in integers.ravel()],
        bits=bits,
        frac_bits=form.fraction_bits,
    ).reshape(integers.shape)


def cast(array, form):
    """Rounded by the other package, as integers of `form`."""
    bits = form.word_length
    if not form.signed:
        # It has signed types alone: clip at zero, in one more bit.
        bits += 1
    out = array.cast(
        bits=bits,
        frac_bits=form.fraction_bits,
        quantization=MODES[form.rounding],
        overflow=OVERFLOWS[form.overflow],
    )
    integers = np.array(out.to_bits(), "int64")
    integers = np.where(
        integers >> (bits - 1), integers - (1 << bits), integers
    )
    return integers if form.signed else np.maximum(integers, 0)


@st.composite
def formats(draw, most=16, signed=True):
    return FixedPoint(
        draw(st.integers(2, most)),
        draw(st.integers(-4, 20)),
        signed=signed,
        rounding=draw(st.sampled_from(ROUNDINGS)),
        overflow=draw(st.sampled_from(sorted(OVERFLOWS)))
        if signed
        else "saturate",
    )


def integers_of(form, count):
    ends = st.integers(form.minimum_integer, form.maximum_integer)
    return st.lists(ends, min_size=count, max_size=count)


@DRAWN
@given(st.data())
def test_rounding_and_overflow(data):
    before, after = data.draw(formats(24)), data.draw(formats())
    value = np.array(data.draw(integers_of(before, 8)))
    found = reference.round_to(value, before.fraction_bits, after)
    np.testing.assert_array_equal(found, cast(fixed(value, before), after))


@DRAWN
@given(st.data())
def test_a_complex_filter(data):
    taps, signal = data.draw(formats(12)), data.draw(formats(12))
    output = data.draw(formats(16))
    count, time = data.draw(st.integers(1, 9)), 12
    h = np.array(data.draw(integers_of(taps, 2 * count))).reshape(count, 2)
    x = np.array(data.draw(integers_of(signal, 2 * time))).reshape(time, 2)
    spec = FIRSpec(h[:, None, None], taps, signal, output, padding="causal")
    h_re, h_im = fixed(h[:, 0], taps), fixed(h[:, 1], taps)
    x_re, x_im = fixed(x[:, 0], signal), fixed(x[:, 1], signal)
    real = x_re.convolve(h_re) - x_im.convolve(h_im)
    imag = x_im.convolve(h_re) + x_re.convolve(h_im)
    expected = [cast(part, output)[:time] for part in (real, imag)]
    found = spec.run(x[None])[0]
    np.testing.assert_array_equal(found, np.stack(expected, axis=1))


@DRAWN
@given(st.data())
def test_a_kerr_step(data):
    signal, output = data.draw(formats(12)), data.draw(formats(12))
    power = data.draw(formats(12, signed=False))
    coefficient = data.draw(formats(10))
    phase = FixedPoint(
        data.draw(st.integers(4, 12)),
        data.draw(st.integers(0, 12)),
        rounding=data.draw(st.sampled_from(ROUNDINGS)),
    )
    rotation = data.draw(formats(12))
    (c,) = data.draw(integers_of(coefficient, 1))
    x = np.array(data.draw(integers_of(signal, 8))).reshape(4, 2)
    spec = KerrSpec(
        np.array([c]), signal, power, coefficient, phase, rotation, output
    )
    i, q = (fixed(x[:, part], signal) for part in (0, 1))
    p = fixed(cast(i * i + q * q, power), power)
    theta = fixed(cast(p * fixed([c] * 4, coefficient), phase), phase)
    half = apytypes.APyFixedArray([1] * 4, bits=2, frac_bits=1)
    one = apytypes.APyFixedArray([1] * 4, bits=2, frac_bits=0)
    cosine = fixed(cast(one - theta * theta * half, rotation), rotation)
    sine = fixed(cast(theta, rotation), rotation)
    expected = (i * cosine + q * sine, q * cosine - i * sine)
    expected = np.stack([cast(part, output) for part in expected], axis=1)
    np.testing.assert_array_equal(spec.run(x[None])[0], expected)
