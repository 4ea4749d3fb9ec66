import keras
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import DBPFormats


def test_the_usual_formats_reach_as_far_as_they_say():
    formats = DBPFormats.of(tap_bits=6, signal_bits=10)
    assert formats.taps == FixedPoint(6, 5)
    assert (formats.input.minimum, formats.fir.minimum) == (-4.0, -4.0)
    assert formats.power.maximum == 32 - formats.power.step
    assert formats.phase.maximum == 1 - formats.phase.step
    assert formats.rotation.maximum > 1
    widths = {form.word_length for form in formats.kerr.values()}
    assert widths == {10} and len(formats.kerr) == 5


def test_what_is_not_named_is_not_rounded():
    assert DBPFormats.of() == DBPFormats()
    assert set(DBPFormats().kerr.values()) == {None}
    changed = DBPFormats.of(signal_bits=10, phase=None)
    assert changed.phase is None and changed.power is not None


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("largest", [0.04, 0.0625, 0.11, 3.0])
def test_coefficients_reach_to_the_next_power_of_two(largest, signed):
    formats = DBPFormats.of(None, 10, max_coefficient=largest, signed=signed)
    form = formats.coefficient
    assert form.word_length == 10 and form.signed == signed
    top = form.maximum + form.step
    assert largest <= top < 2 * largest
    assert formats.phase.signed == signed
    assert formats.phase.maximum + formats.phase.step == 1


def test_formats_equal_their_reload():
    formats = DBPFormats.of(tap_bits=5, signal_bits=9)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(formats)
    )
    assert again == formats


def test_wrong_formats_raise():
    with pytest.raises(TypeError, match="`taps` to be a keras_bp.ops"):
        DBPFormats(taps=6)
    with pytest.raises(ValueError, match="scale='fixed'"):
        DBPFormats(fir=FixedPoint(10, 7, scale="real"))
    with pytest.raises(ValueError, match="`tap_bits` to be 2 or greater"):
        DBPFormats.of(tap_bits=1)
    with pytest.raises(ValueError, match="`max_digits` in `taps` alone"):
        DBPFormats(phase=FixedPoint(8, 8, max_digits=2))
    with pytest.raises(ValueError, match="`max_coefficient` to be greater"):
        DBPFormats.of(signal_bits=10, max_coefficient=0.0)
    with pytest.raises(TypeError, match="`signal_bits` to be an integer"):
        DBPFormats.of(signal_bits=9.5)
