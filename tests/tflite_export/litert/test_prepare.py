import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec, litert
from tflite_export.litert import _interpreter

FORM = FixedPoint(8, 6)
SPEC = FIRSpec(
    np.arange(3).reshape(3, 1, 1), FORM, FORM, FORM, "causal", complex=False
)
X = np.arange(9).reshape(1, 9, 1)


@pytest.mark.parametrize("profile", [*litert.PROFILES, "float"])
def test_a_call_runs_the_model_on_the_signal(profile, monkeypatch):
    opened = []
    works = _interpreter.open_interpreter
    monkeypatch.setattr(
        _interpreter,
        "open_interpreter",
        lambda *args, **kept: opened.append(works(*args, **kept)) or opened[0],
    )
    if profile == "float":
        model = litert.to_float_flatbuffer(SPEC, time=9)
    else:
        model = litert.to_flatbuffer(SPEC, profile=profile, time=9)
    call = litert.prepare(model, X)
    call()
    (result,) = opened[0].get_output_details()
    y = opened[0].get_tensor(result["index"])
    taps = SPEC.taps.ravel() / 64
    expected = np.convolve(X.ravel(), taps)[:9]
    if profile != "float":
        # Each of the tensors has the steps of the chain: 9 fits into int8.
        expected = SPEC.run(X).ravel()
    np.testing.assert_allclose(y.ravel(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("profile", "signal", "error", "match"),
    [
        ("float", X[:, :4], ValueError, r"prepare expects.*\(1, 4, 1\)"),
        ("int8", X[:, :4], ValueError, r"prepare expects.*\(1, 4, 1\)"),
        ("int8", 999 * X, ValueError, "prepare expects samples from -128"),
        ("int8", 1.0 * X, TypeError, "prepare expects.*integers"),
    ],
)
def test_another_signal_is_refused(profile, signal, error, match):
    if profile == "float":
        model = litert.to_float_flatbuffer(SPEC, time=9)
    else:
        model = litert.to_flatbuffer(SPEC, profile=profile, time=9)
    with pytest.raises(error, match=match):
        litert.prepare(model, signal)
