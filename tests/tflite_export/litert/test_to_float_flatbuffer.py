import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, litert
from tflite_export.litert._interpreter import open_whole
from tflite_export.real_model import run_real

FORM = FixedPoint(12, 10)


def make_chain(padding, strides=1):
    rng = np.random.default_rng(0)
    stages = [
        FIRSpec(
            rng.integers(-99, 99, (num_taps, 1, 1, 2)),
            FixedPoint(8, 6),
            FORM,
            FORM,
            padding,
            strides,
        )
        for num_taps in (5, 4)
    ]
    return ChainSpec(stages, 2)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
def test_the_converted_model_filters_and_rounds_nothing(padding, strides):
    chain = make_chain(padding, strides)
    x = np.random.default_rng(1).normal(size=(2, 40, 2)).astype("float32")
    model = litert.to_float_flatbuffer(chain, batch=2, time=40)
    opened = open_whole(model, "default", owner="test")
    opened[0].set_tensor(opened[1]["index"], x)
    opened[0].invoke()
    y = opened[0].get_tensor(opened[2]["index"])
    assert y.dtype == "float32"
    expected = run_real(chain, [None, None], x)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_what_is_no_filter_of_all_channels_is_refused(dbp_chain):
    with pytest.raises(ValueError, match="all channels.*KerrSpec at stage 1"):
        litert.to_float_flatbuffer(dbp_chain(), time=64)
    chain = ChainSpec(make_chain("same").stages, 4)
    with pytest.raises(ValueError, match="FIRSpec at stage 0, 4 channels"):
        litert.to_float_flatbuffer(chain, time=64)
    with pytest.raises(ValueError, match="at least 5 samples"):
        litert.to_float_flatbuffer(make_chain("valid"), time=4)
    with pytest.raises(ValueError, match="`batch` to be 1 or greater"):
        litert.to_float_flatbuffer(make_chain("same"), batch=0, time=4)
