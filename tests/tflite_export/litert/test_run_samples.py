import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, litert, vectors

FORM = FixedPoint(12, 10)
TAPS = np.array([3, 11, -5]).reshape(3, 1, 1)
CHAIN = ChainSpec(
    [FIRSpec(TAPS, FixedPoint(6, 4), FORM, FORM, "causal", complex=False)], 1
)


def model_of(profile):
    return litert.to_flatbuffer(CHAIN, profile=profile, time=64)


def test_samples_go_in_and_come_out_in_their_unit(tmp_path):
    x = vectors.draw(CHAIN, "random", 64)
    path = tmp_path / "fir.tflite"
    path.write_bytes(model_of("int8"))
    y = litert.run_samples(path, x * FORM.step)
    assert y.dtype == "float64" and y.shape == (1, 64, 1)
    assert np.abs(y - CHAIN.run(x) * FORM.step).max() < 0.05
    # The fast profile has the steps of the chain.
    y = litert.run_samples(model_of("fast"), x * FORM.step)
    np.testing.assert_array_equal(y, CHAIN.run(x) * FORM.step)


def test_samples_beyond_the_range_saturate():
    x = np.full((1, 64, 1), 100.0)
    y, end = (
        litert.run_samples(model_of("fast"), each)
        for each in (x, np.full_like(x, 2**15 * FORM.step))
    )
    np.testing.assert_array_equal(y, end)
    y = litert.run_samples(model_of("int8"), -x)
    # Four standard deviations of what the calibration puts out.
    assert -1.6 < y.min() < -1.3


@pytest.mark.parametrize(
    ("profile", "samples", "match"),
    [
        ("int8", np.zeros((1, 9, 1)), r"\(1, 64, 1\). Rec.*\(1, 9, 1\)"),
        ("int8", np.full((1, 64, 1), np.nan), "finite.*64 not finite"),
        ("exact", np.zeros((1, 64, 1)), "profile='int8'.*'signal' without"),
    ],
)
def test_what_does_not_fit_is_refused(profile, samples, match):
    with pytest.raises(ValueError, match="run_samples expects.*" + match):
        litert.run_samples(model_of(profile), samples)


def test_a_model_of_a_stream_is_left_to_a_session():
    model = litert.to_flatbuffer(CHAIN, time=8, streaming=True)
    with pytest.raises(ValueError, match="run_samples.*litert.Session"):
        litert.run_samples(model, np.zeros((1, 8, 1)))
