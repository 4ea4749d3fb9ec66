import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import reference

EXTREME = [2**63 - 1, 2**63 - 2, 2**62, 2**62 - 1, 2**62 + 1, 3, 1, 0]
EXTREME = sorted({*EXTREME, *(-n for n in EXTREME), -(2**63)})

ROUND = {
    "nearest": lambda v: math.floor(v + Fraction(1, 2)),
    "nearest_even": round,
    "truncate": math.floor,
    "toward_zero": math.trunc,
}


def overflow_of(value, form):
    """The same in Python's integers, by definition."""
    low, high = form.minimum_integer, form.maximum_integer
    if form.overflow == "wrap":
        return (value - low) % 2**form.word_length + low
    return min(max(value, low), high)


def filtered(signal, taps, padding):
    """One real signal and filter, by SciPy and NumPy."""
    if padding == "valid":
        return np.convolve(signal, taps, "valid")
    if padding == "same":
        return np.convolve(signal, taps, "same")
    if padding == "causal":
        return scipy.signal.lfilter(taps, 1.0, signal)
    # SciPy and NumPy center an even number of taps differently.
    return scipy.ndimage.convolve1d(
        signal, taps, mode="wrap", origin=(len(taps) % 2) - 1
    )


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_round_shift_is_exact_rational_rounding(rounding):
    acc = np.arange(-70, 71)
    for shift in range(-4, 9):
        expected = [
            ROUND[rounding](Fraction(int(a)) / Fraction(2) ** shift)
            for a in acc
        ]
        result = reference.round_shift(acc, shift, rounding)
        assert result.dtype == "int64"
        assert result.tolist() == expected


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_round_shift_is_exact_at_the_ends_of_int64(rounding):
    for shift in range(70):
        result = reference.round_shift(np.array(EXTREME), shift, rounding)
        for value, rounded in zip(EXTREME, result.tolist(), strict=True):
            exact = ROUND[rounding](Fraction(value, 2**shift))
            assert rounded == exact, (value, shift)


@pytest.mark.parametrize(
    ("acc", "shift"), [(2**62, -1), (-(2**62) - 1, -1), (1, -63), (-1, -90)]
)
def test_round_shift_refuses_what_64_bits_cannot_hold(acc, shift):
    with pytest.raises(ValueError, match="at most 64 bits.*Received: shift=-"):
        reference.round_shift([acc], shift, "nearest")


def test_round_shift_shifts_to_the_left_up_to_the_last_bit():
    assert reference.round_shift([1, -1], -62, "nearest").tolist() == [
        2**62,
        -(2**62),
    ]
    assert reference.round_shift([0], -90, "nearest").tolist() == [0]


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("word_length", [2, 3, 5])
def test_handle_overflow_is_its_definition(overflow, signed, word_length):
    form = FixedPoint(word_length, 0, signed=signed, overflow=overflow)
    value = [*range(-140, 141), *EXTREME]
    result = reference.handle_overflow(np.array(value), form)
    assert result.dtype == "int64"
    assert result.tolist() == [overflow_of(v, form) for v in value]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("step_exponent", [-64, -12, -2, 0, 3, 64])
def test_quantize_is_exact_rational_rounding(rounding, overflow, step_exponent):
    rng = np.random.default_rng(0)
    step = 2.0**step_exponent
    x = np.concatenate(
        [
            np.arange(-40, 41) / 4 * step,
            rng.normal(size=100) * 40 * step,
            np.ldexp(rng.normal(size=100), rng.integers(-200, 200, 100)),
            np.nextafter(step / 2, [0, 1, np.inf]),
            [5e-324, -5e-324, 1.7e308, -1.7e308, -0.0],
        ]
    )
    form = FixedPoint(6, 0, rounding=rounding, overflow=overflow)
    expected = [
        overflow_of(ROUND[rounding](Fraction(v) / Fraction(step)), form)
        for v in x.tolist()
    ]
    result = reference.quantize(x, form, step_exponent)
    assert result.tolist() == expected


@pytest.mark.parametrize("word_length", [30, 32])
def test_quantize_wraps_what_is_far_beyond_the_range(word_length):
    form = FixedPoint(word_length, 0, overflow="wrap")
    x = np.ldexp(2.0**52 + 12345, np.arange(-12, 40))
    expected = [
        overflow_of(ROUND["nearest"](Fraction(v)), form) for v in x.tolist()
    ]
    assert reference.quantize(x, form, 0).tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_quantize_refuses_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="finite numbers. Received: 1"):
        reference.quantize([0.0, bad], FixedPoint(8, 0), 0)


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
@pytest.mark.parametrize("num_taps", [1, 2, 5, 8, 9])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_real_fir_is_the_convolution(padding, num_taps, strides):
    rng = np.random.default_rng(num_taps)
    signal = rng.integers(-500, 500, (2, 20, 3))
    taps = rng.integers(-90, 90, (num_taps, 3, 2))
    result = reference.fir(
        signal,
        taps,
        output=FixedPoint(32, 0),
        shift=0,
        padding=padding,
        strides=strides,
        complex=False,
    )
    expected = [
        [
            sum(
                filtered(row[:, i], taps[:, i, o], padding)[::strides]
                for i in range(3)
            )
            for o in range(2)
        ]
        for row in signal
    ]
    np.testing.assert_array_equal(result, np.swapaxes(expected, 1, 2))


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
@pytest.mark.parametrize("strides", [1, 2])
def test_complex_fir_is_the_complex_convolution(padding, strides):
    rng = np.random.default_rng(0)
    signal = rng.integers(-500, 500, (2, 20, 2, 2))
    taps = rng.integers(-90, 90, (5, 2, 3, 2))
    result = reference.fir(
        signal.reshape(2, 20, 4),
        taps,
        output=FixedPoint(32, 0),
        shift=0,
        padding=padding,
        strides=strides,
        complex=True,
    )
    z, h = signal @ [1, 1j], taps @ [1, 1j]
    expected = np.zeros((2, result.shape[1], 3), "complex128")
    for row, i, o in np.ndindex(2, 2, 3):
        part = filtered(z[row, :, i], h[:, i, o], padding)
        expected[row, :, o] += part[::strides]
    np.testing.assert_array_equal(result[..., 0::2], expected.real)
    np.testing.assert_array_equal(result[..., 1::2], expected.imag)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("shift", [-2, 0, 3])
def test_fir_rounds_once_then_handles_overflow(rounding, overflow, shift):
    signal = np.arange(-60, 60).reshape(1, -1, 1)
    form = FixedPoint(6, 0, rounding=rounding, overflow=overflow)
    result = reference.fir(
        signal,
        np.full((1, 1, 1), 3),
        output=form,
        shift=shift,
        padding="valid",
        strides=1,
        complex=False,
    )
    expected = [
        overflow_of(ROUND[rounding](3 * v / Fraction(2) ** shift), form)
        for v in signal.ravel().tolist()
    ]
    assert result.ravel().tolist() == expected


def run_fir(signal, taps, **changes):
    settings = {
        "output": FixedPoint(16, 0),
        "shift": 0,
        "padding": "valid",
        "strides": 1,
        "complex": False,
    }
    return reference.fir(signal, taps, **{**settings, **changes})


def test_fir_of_no_signals_is_empty():
    empty = np.zeros((0, 9, 1), "int64")
    taps = np.ones((3, 1, 1), "int64")
    assert run_fir(empty, taps).shape == (0, 7, 1)


def test_fir_sums_up_to_the_last_bit_of_int64():
    signal, taps = np.full((1, 2, 1), 2**31), np.full((2, 1, 1), 2**31 - 1)
    # The sum is 2^63 - 2^32.
    form = FixedPoint(32, 0, rounding="truncate")
    assert run_fir(signal, taps, output=form, shift=32).item() == 2**31 - 1
    with pytest.raises(ValueError, match="sums of at most 64 bits"):
        run_fir(signal, np.full((2, 1, 1), 2**31))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"taps": np.ones((3, 2, 1), int)}, "as many channels.*shape"),
        ({"taps": np.ones((3, 1), int)}, "as many channels"),
        ({"signal": np.ones((4, 1), int)}, "as many channels"),
        ({"taps": np.ones((5, 1, 1), int)}, "at least 5 samples.*time=4"),
        (
            {"taps": np.ones((10, 1, 1), int), "padding": "circular"},
            "at least 5 samples.*circular",
        ),
        (
            {"signal": np.ones((1, 0, 1), int), "padding": "causal"},
            "at least 1 samples",
        ),
        ({"padding": "reflect"}, "`padding` to be one of.*'reflect'"),
        ({"strides": 0}, "`strides` to be 1 or greater"),
        ({"complex": True}, "complex taps of shape"),
    ],
)
def test_fir_names_what_does_not_fit(changes, match):
    arguments = {
        "signal": np.ones((1, 4, 1), int),
        "taps": np.ones((3, 1, 1), int),
        **changes,
    }
    with pytest.raises(ValueError, match=match):
        run_fir(**arguments)


@pytest.mark.parametrize("bad", [[0.5], [True], np.array([1], "uint64")])
def test_floats_never_pass_for_integers(bad):
    with pytest.raises(TypeError, match="`acc` to hold integers.*dtype="):
        reference.round_shift(bad, 1, "nearest")
    with pytest.raises(TypeError, match="`value` to hold integers"):
        reference.handle_overflow(bad, FixedPoint(8, 0))


def test_names_and_shifts_are_checked():
    with pytest.raises(ValueError, match="`rounding` to be one of.*'up'"):
        reference.round_shift([1], 1, "up")
    with pytest.raises(TypeError, match="`shift` to be an integer"):
        reference.round_shift([1], 1.0, "nearest")
