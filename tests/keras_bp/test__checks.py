import keras
import numpy as np
import pytest

from keras_bp import _checks


@pytest.mark.parametrize("value", [1e308, 10**400, 4e38])
@pytest.mark.parametrize(
    "check",
    [_checks.check_positive, _checks.check_number, _checks.check_not_negative],
)
def test_numbers_beyond_float32_are_refused(check, value):
    with pytest.raises(ValueError, match="A expects `x`.* also in float32"):
        check("x", value, owner="A")
    check("x", 3.4e38, owner="A")


def test_what_is_zero_in_float32_is_not_above_zero():
    with pytest.raises(ValueError, match="greater than zero, also in float32"):
        _checks.check_positive("x", 1e-320, owner="A")
    _checks.check_positive("x", 2.0**-126, owner="A")


@pytest.mark.parametrize("value", [None, "x", {}, object(), [[1.0], [2, 3]]])
def test_no_tensor_is_refused(value):
    with pytest.raises((TypeError, ValueError), match="A expects `x`"):
        _checks.as_tensor("x", value, owner="A", rank=2)


def test_a_tensor_has_the_rank_that_is_asked_for():
    assert tuple(_checks.as_tensor("x", [[1.0]], owner="A", rank=2).shape) == (
        (1, 1)
    )
    symbolic = keras.KerasTensor((None, 3))
    assert _checks.as_tensor("x", symbolic, owner="A", rank=2) is symbolic
    with pytest.raises(ValueError, match=r"rank 2.*shape=\(1,\)"):
        _checks.as_tensor("x", [1.0], owner="A", rank=2)


@pytest.mark.parametrize("value", [None, ["a"], [10**400], [1j], [[1], [2, 3]]])
def test_no_real_numbers_are_refused(value):
    with pytest.raises((TypeError, ValueError), match="array of real numbers"):
        _checks.as_floats("x", value, owner="A")


def test_real_and_complex_numbers_are_taken():
    assert _checks.as_floats("x", [1, 2], owner="A").dtype == "float64"
    found = _checks.as_complex("x", [1j], owner="A")
    np.testing.assert_array_equal(found, [1j])
    with pytest.raises(TypeError, match="array of complex numbers"):
        _checks.as_complex("x", ["a"], owner="A")
