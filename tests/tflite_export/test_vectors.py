import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, vectors

FORM = FixedPoint(8, 5)
TAPS = np.array([3, -7, 11])[:, None, None]
CHAIN = ChainSpec([FIRSpec(TAPS, FORM, FORM, FORM, "causal", 1, False)], 2)


@pytest.mark.parametrize("kind", vectors.KINDS)
def test_signals_stay_in_the_range_of_the_input(kind):
    signal = vectors.draw(CHAIN, kind, 300, batch=2)
    assert signal.shape == (2, 300, 2) and signal.dtype == "int64"
    assert signal.min() >= -128 and signal.max() <= 127
    again = vectors.draw(CHAIN, kind, 300, batch=2)
    np.testing.assert_array_equal(again, signal)


def test_signals_are_what_their_names_say():
    signal = {k: vectors.draw(CHAIN, k, 300) for k in vectors.KINDS}
    assert set(signal["alternating"].ravel()) == {-128, 127}
    assert np.all(signal["alternating"][:, 1:] != signal["alternating"][:, :-1])
    assert np.all(
        signal["alternating"][..., 0] != signal["alternating"][..., 1]
    )
    assert set(signal["largest"].ravel()) == {127}
    assert set(signal["smallest"].ravel()) == {-128}
    assert np.count_nonzero(signal["impulse"]) == 2
    assert 25 < signal["random"].std() < 40
    assert 65 < signal["full_scale"].std() < 85


def test_files_hold_a_stream_and_its_outputs():
    files, told = vectors.target_files(CHAIN, name="x", batch=1, time=20)
    signal = vectors.from_text(files["input.txt"])
    assert signal.shape == (1, 20 * len(told["kinds"]), 2)
    output = vectors.from_text(files["output.txt"])
    np.testing.assert_array_equal(output, Stream(CHAIN).process(signal))


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="`kind` to be one of"):
        vectors.draw(CHAIN, "pink")
    with pytest.raises(ValueError, match="`time` to be 1 or greater"):
        vectors.draw(CHAIN, time=0)
