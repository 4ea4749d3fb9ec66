import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import RoundSpec


def test_a_change_of_format_rounds_and_saturates():
    down = RoundSpec(FixedPoint(8, 4), FixedPoint(4, 1, rounding="truncate"))
    assert down.run(np.array([-9, 7, 127])).tolist() == [-2, 0, 7]
    up = RoundSpec(FixedPoint(4, 0), FixedPoint(8, 3))
    assert up.run(np.array([-8, 3])).tolist() == [-64, 24]
    again = RoundSpec.from_config(up.get_config())
    assert again == up
    with pytest.raises(ValueError, match="`signal` from -8 to 7"):
        up.run(np.array([8]))
    assert down.bounds(2) == {"sample": 128}
    assert up.bounds(2) == {"sample": 8 << 3}


def test_formats_are_checked():
    with pytest.raises(TypeError, match="`output_format` to be a"):
        RoundSpec(FixedPoint(8, 4), 4)
    with pytest.raises(ValueError, match="a fixed step"):
        RoundSpec(FixedPoint(8, 4, scale="real"), FixedPoint(8, 4))


def test_formats_of_few_digits_are_refused():
    few = FixedPoint(8, 4, max_digits=2)
    with pytest.raises(ValueError, match="`output_format` without `max_dig"):
        RoundSpec(FixedPoint(8, 4), few)


def test_changed_entries_are_refused():
    config = RoundSpec(FixedPoint(8, 4), FixedPoint(4, 1)).get_config()
    with pytest.raises(ValueError, match=r"unknown entries \['speed'\]"):
        RoundSpec.from_config(config | {"speed": 1})
    del config["output_format"]
    with pytest.raises(ValueError, match=r"entries \['output_format'\]"):
        RoundSpec.from_config(config)
