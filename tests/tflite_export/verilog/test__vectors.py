import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export.verilog._vectors import as_hex, from_words, to_words


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("signed", [True, False])
def test_words_give_the_samples_back(lanes, signed):
    form = FixedPoint(5, 0, signed=signed)
    low, high = form.minimum_integer, form.maximum_integer
    signal = np.random.default_rng(0).integers(low, high + 1, (7, 2))
    words = to_words(signal, lanes, 5)
    assert len(words) == -(-7 // lanes)
    found = from_words(words, lanes, 2, form)
    np.testing.assert_array_equal(found[:7], signal)
    assert not found[7:].any()


def test_the_first_lane_and_channel_are_lowest():
    signal = np.array([[1, 2], [3, -1]])
    assert to_words(signal, 2, 4) == [0xF321]
    assert as_hex([0xF321, 5], 18) == "0f321\n00005\n"
