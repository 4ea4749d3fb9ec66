import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec, litert

FORM = FixedPoint(12, 10)


@pytest.fixture(params=litert.PROFILES)
def model(request):
    taps = np.arange(10).reshape(5, 2, 1)
    spec = FIRSpec(taps, FixedPoint(8, 6), FORM, FORM, complex=False)
    return litert.to_flatbuffer(spec, profile=request.param, time=9)


def test_a_path_is_run_as_well(model, tmp_path):
    path = tmp_path / "fir.tflite"
    path.write_bytes(model)
    x = np.arange(18).reshape(1, 9, 2)
    y = litert.run(str(path), x)
    assert y.dtype == "int64"
    np.testing.assert_array_equal(y, litert.run(model, x))


@pytest.mark.parametrize(
    ("signal", "error", "match"),
    [
        (np.zeros((1, 9, 2)), TypeError, "`signal` to hold integers"),
        (
            np.zeros((2, 9, 2), int),
            ValueError,
            r"input, \(1, 9, 2\). Received: shape=\(2, 9, 2\)",
        ),
        (
            np.full((1, 9, 2), 2**31),
            ValueError,
            "from -(128|32768|2147483648) to .*: samples from 2147483648",
        ),
    ],
)
def test_another_signal_is_refused(model, signal, error, match):
    with pytest.raises(error, match=match):
        litert.run(model, signal)


def test_another_resolver_or_model_is_refused():
    signal = np.zeros((1, 9, 2), int)
    with pytest.raises(ValueError, match="`resolver` to be one of.*'swift'"):
        litert.run(b"", signal, resolver="swift")
    with pytest.raises(ValueError, match="LiteRT can read. Received: 8 bytes"):
        litert.run(b"nonsense", signal)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        litert.run("nowhere.tflite", signal)


def test_a_model_of_a_stream_is_left_to_a_session(dbp_chain):
    model = litert.to_flatbuffer(dbp_chain(), time=9, streaming=True)
    with pytest.raises(ValueError, match="Session.*a model of 4 inputs"):
        litert.run(model, np.zeros((1, 9, 2), int))


def test_each_resolver_reaches_the_interpreter(model, monkeypatch):
    from ai_edge_litert import interpreter

    seen = []

    class Watched(interpreter.Interpreter):
        def __init__(self, **settings):
            seen.append(settings["experimental_op_resolver_type"].name)
            super().__init__(**settings)

    monkeypatch.setattr(interpreter, "Interpreter", Watched)
    for resolver in litert.RESOLVERS:
        litert.run(model, np.zeros((1, 9, 2), int), resolver=resolver)
    assert seen == ["AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF"]
