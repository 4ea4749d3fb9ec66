import numpy as np
import pytest

from keras_bp.ops import FixedPoint, signed_digits
from keras_bp.optics import dispersion_filter, error_feedback

TAPS = dispersion_filter(11, -21.683, 80.0, 21.4)


def as_complex(integers, form):
    return integers @ np.array([1, 1j]) * form.step


@pytest.mark.parametrize("bits", [5, 6, 8])
def test_the_sum_over_the_steps_is_right_to_half_a_step(bits):
    form = FixedPoint(bits, bits - 1)
    found = error_feedback([TAPS] * 25, form)
    sums = np.cumsum([as_complex(taps, form) for taps in found], axis=0)
    wanted = np.cumsum([TAPS] * 25, axis=0)
    error = (sums - wanted) / form.step
    assert np.abs(error.real).max() <= 0.5 + 1e-9
    assert np.abs(error.imag).max() <= 0.5 + 1e-9
    assert len({taps.tobytes() for taps in found}) > 1


@pytest.mark.parametrize("num_taps", [9, 11, 13])
@pytest.mark.parametrize("bits", [6, 7, 8])
def test_a_cascade_is_closer_than_with_plain_rounding(bits, num_taps):
    taps = dispersion_filter(num_taps, -21.683, 80.0, 21.4)
    form = FixedPoint(bits, bits - 1)
    w = np.linspace(-0.55, 0.55, 301) * np.pi
    basis = np.exp(-1j * np.outer(w, np.arange(num_taps) - num_taps // 2))
    wanted = (basis @ taps) ** 25
    plain = np.round(taps / form.step) * form.step
    with_feedback = np.prod(
        [
            basis @ as_complex(q, form)
            for q in error_feedback([taps] * 25, form)
        ],
        axis=0,
    )
    error = np.abs((basis @ plain) ** 25 - wanted).max()
    assert np.abs(with_feedback - wanted).max() < error / 2


def test_symmetric_filters_of_any_length_stay_symmetric_and_in_range():
    form = FixedPoint(4, 3)
    filters = [TAPS, TAPS[3:-3], TAPS[1:-1], 3 * TAPS]
    for taps, integers in zip(
        filters, error_feedback(filters, form), strict=True
    ):
        assert integers.shape == (len(taps), 2) and integers.dtype == "int64"
        np.testing.assert_array_equal(integers, integers[::-1])
        assert integers.min() >= -8 and integers.max() <= 7


@pytest.mark.parametrize("digits", [None, 1])
def test_a_tap_that_saturates_does_not_pile_up(digits):
    form = FixedPoint(4, 3, max_digits=digits)
    found = error_feedback([np.array([2.0])] * 10 + [np.array([0.1])], form)
    assert found[-1][0, 0] <= 2


def test_digits_are_bounded():
    form = FixedPoint(8, 7, max_digits=2)
    for integers in error_feedback([TAPS] * 5, form):
        assert signed_digits(integers).max() <= 2


def test_wide_gaps_between_few_digits_are_made_up_for():
    form = FixedPoint(8, 7, max_digits=1)
    taps = np.array([0.3 - 0.05j])
    found = [as_complex(q, form) for q in error_feedback([taps] * 40, form)]
    error = np.cumsum(np.array(found) - taps, axis=0) / form.step
    # Half of the gap from 32 to 64, and from 4 to 8, around the tap.
    assert np.abs(error.real).max() <= 16 and np.abs(error.imag).max() <= 2


def test_a_tie_goes_to_the_upper_of_two_integers():
    for digits in (None, 1):
        form = FixedPoint(8, 0, max_digits=digits)
        ((ties,),) = error_feedback([np.array([1.5 - 1.5j])], form)
        np.testing.assert_array_equal(ties, [2, -1])


def test_wrong_arguments_raise():
    with pytest.raises(TypeError, match="FixedPoint"):
        error_feedback([TAPS], 8)
    with pytest.raises(ValueError, match="scale='fixed'"):
        error_feedback([TAPS], FixedPoint(8, 7, scale="real"))
    with pytest.raises(ValueError, match="odd length"):
        error_feedback([TAPS[:4]], FixedPoint(8, 7))
    with pytest.raises(ValueError, match="finite taps"):
        error_feedback([TAPS * np.nan], FixedPoint(8, 7))
    with pytest.raises(ValueError, match="one filter or more"):
        error_feedback([], FixedPoint(8, 7))
