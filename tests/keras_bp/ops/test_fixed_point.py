import pytest

from keras_bp.ops import FixedPoint


@pytest.mark.parametrize(
    ("form", "low", "high", "largest"),
    [
        (FixedPoint(4, 2), -8, 7, 8),
        (FixedPoint(4, 2, overflow="saturate_symmetric"), -7, 7, 7),
        (FixedPoint(4, 2, signed=False), 0, 15, 15),
        (FixedPoint(2, 0), -2, 1, 2),
        (FixedPoint(1, 0, signed=False), 0, 1, 1),
    ],
)
def test_the_range_follows_from_word_length_and_sign(form, low, high, largest):
    assert (form.minimum_integer, form.maximum_integer) == (low, high)
    assert form.largest_magnitude == largest
    assert form.minimum == low * form.step
    assert form.maximum == high * form.step


def test_the_step_is_a_power_of_two_also_above_one():
    assert FixedPoint(8, 6).step == 1 / 64
    assert FixedPoint(8, -2).step == 4


def test_a_format_equals_its_reload_and_is_hashable():
    form = FixedPoint(9, 3, False, "truncate", "wrap", "power_of_two")
    assert FixedPoint.from_config(form.get_config()) == form
    assert len({form, FixedPoint.from_config(form.get_config())}) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"word_length": -1}, ValueError, "`word_length` to be 2 or greater"),
        ({"word_length": 1}, ValueError, "`word_length` to be 2 or greater"),
        ({"word_length": 33}, ValueError, "`word_length` to be 32 or less"),
        ({"word_length": 7.5}, TypeError, "integer.*7.5.*float"),
        ({"fraction_bits": 65}, ValueError, "`fraction_bits` to be 64 or less"),
        ({"rounding": "up"}, ValueError, "rounding.*'nearest'.*'up'"),
        ({"overflow": "clip"}, ValueError, "overflow.*'saturate'.*'clip'"),
        (
            {"scale": "real", "rounding": "truncate"},
            ValueError,
            "scale='real'.*rounding='truncate'",
        ),
        ({"signed": "no"}, TypeError, "`signed` to be a boolean.*'no'"),
        ({"max_digits": 0}, ValueError, "`max_digits` to be 1 or greater"),
        (
            {"max_digits": 2, "word_length": 17},
            ValueError,
            "at most 16 bits.*word_length=17",
        ),
        (
            {"max_digits": 2, "overflow": "wrap"},
            ValueError,
            "saturates.*overflow='wrap'",
        ),
        ({"scale": "free"}, ValueError, "scale.*'power_of_two'.*'free'"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        FixedPoint(**arguments)
