import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, litert, vectors

FORM = FixedPoint(12)
TAPS = np.array([[3, -7], [11, 2], [5, 1]])[:, None, None]
CHAIN = ChainSpec([FIRSpec(TAPS, FixedPoint(6, 4), FORM, FORM, "causal")], 2)


@pytest.mark.parametrize("name", ["filter", "one step", "two polarizations"])
def test_litert_is_a_step_away_at_most_here_and_there(name, dbp_chain):
    chain = {
        "filter": CHAIN,
        "one step": ChainSpec(dbp_chain().stages[:2], 2),
        "two polarizations": ChainSpec(dbp_chain(2).stages[:2], 4),
    }[name]
    x = vectors.draw(chain, "random", 300)
    expected = litert.model_of_int8(chain)(x)
    model = litert.to_flatbuffer(chain, profile="int8", time=300)
    files, told = litert.target_files(
        chain, name="x", batch=1, time=300, profiles="int8"
    )
    assert files["x_int8.tflite"] == model
    step = told["models"]["x_int8.tflite"]["output_step"]
    step /= chain.output_format.step
    for resolver in litert.RESOLVERS:
        y = litert.run_samples(
            model, x * chain.input_format.step, resolver=resolver
        )
        error = np.abs(y / chain.output_format.step - expected) / step
        # A rotation rounds more than once.
        assert error.max() < 1.001 + (len(chain.stages) > 1), resolver
        assert np.mean(error > 0.5) < 0.1, resolver
        found = litert.snr(chain, model, x, resolver=resolver)
        assert abs(found - litert.snr(chain, lambda _: expected, x)) < 0.3


def test_a_signal_of_its_own_is_rounded_better():
    # An eighth of the range: three of eight bits would be lost.
    x = vectors.draw(CHAIN, "random", 500, seed=5) // 8
    unknown, known = (
        litert.snr(CHAIN, litert.model_of_int8(CHAIN, calibration), x)
        for calibration in ("random", vectors.draw(CHAIN, time=400) // 8)
    )
    assert unknown < 24 and known > 36


def test_rare_peaks_are_clipped_for_the_sake_of_the_others():
    rng = np.random.default_rng(0)
    x = np.rint(rng.laplace(scale=100, size=(1, 9000, 2))).astype("int64")
    x = np.clip(x, -2048, 2047)
    _, told = litert.target_files(
        CHAIN, name="x", batch=1, time=9000, profiles="int8", calibration=x
    )
    told = told["models"]["x_int8.tflite"]
    step = np.abs(x).max() / 127
    error = np.sum((step * np.rint(x / step) - x) ** 2)
    unclipped = 10 * np.log10(np.sum(x * x) / error)
    assert told["snr_of_input_db"] > unclipped + 0.3
    assert told["input_step"] < 0.95 * step * FORM.step


def test_the_model_refuses_samples_out_of_range():
    with pytest.raises(ValueError, match="from -2048 to 2047"):
        litert.model_of_int8(CHAIN)(np.full((1, 9, 2), 2048))


@pytest.mark.parametrize(
    ("calibration", "error", "match"),
    [
        ("quiet", ValueError, r"\*.npy, or one of \['random'.*'quiet'"),
        (None, ValueError, "`calibration` to be an integer array"),
        (np.zeros((1, 9, 2)), TypeError, "`calibration` to hold integers"),
        (np.zeros((1, 9, 4), int), ValueError, r"time, 2\).*\(1, 9, 4\)"),
        (np.zeros((1, 2, 2), int), ValueError, "3 samples at least"),
        (np.zeros((9, 2), int), ValueError, r"Received: shape=\(9, 2\)"),
        (np.full((1, 9, 2), 4096), ValueError, "from -2048 to 2047"),
        ("nowhere.npy", FileNotFoundError, "nowhere"),
    ],
)
def test_another_calibration_is_refused(calibration, error, match):
    with pytest.raises(error, match=match):
        litert.model_of_int8(CHAIN, calibration)
    with pytest.raises(error, match=match):
        litert.to_flatbuffer(
            CHAIN, profile="int8", time=9, calibration=calibration
        )


def test_a_calibration_is_read_from_a_file(tmp_path):
    signal = vectors.draw(CHAIN, "random", 100) // 4
    np.save(tmp_path / "x.npy", signal)
    models = [
        litert.to_flatbuffer(CHAIN, profile="int8", time=9, calibration=each)
        for each in (signal, tmp_path / "x.npy", str(tmp_path / "x.npy"))
    ]
    assert models[0] == models[1] == models[2]
    assert models[0] != litert.to_flatbuffer(CHAIN, profile="int8", time=9)
