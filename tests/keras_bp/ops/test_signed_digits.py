import numpy as np
import pytest

from keras_bp.ops import signed_digits
from keras_bp.ops.signed_digits import integers_of_few_digits


def non_adjacent_form(number):
    """The digits by the definition, one division at a time."""
    digits = []
    while number:
        digit = 2 - number % 4 if number % 2 else 0
        digits.append(digit)
        number = (number - digit) // 2
    return digits


def test_the_count_is_that_of_the_non_adjacent_form():
    numbers = np.arange(-3000, 3000).reshape(3, -1)
    counted = [
        np.count_nonzero(non_adjacent_form(int(n))) for n in numbers.flat
    ]
    found = signed_digits(numbers)
    assert found.shape == numbers.shape and found.dtype == "int64"
    np.testing.assert_array_equal(found.ravel(), counted)
    assert signed_digits(2**60 - 1) == 2


def test_one_digit_leaves_the_powers_of_two():
    assert integers_of_few_digits(-8, 7, 1).tolist() == [
        *(-8, -4, -2, -1, 0, 1, 2, 4)
    ]


def test_numbers_that_are_no_integers_raise():
    with pytest.raises(TypeError, match="signed_digits expects integers"):
        signed_digits([0.5])


def test_a_number_has_a_count_without_axes():
    assert signed_digits(7).shape == () and signed_digits(7) == 2
