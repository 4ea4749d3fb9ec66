import keras
import numpy as np
import pytest

from keras_bp.layers import QuantizedFIR
from tflite_export import FIRSpec, export, litert
from tflite_export._find_fir import find_fir


@pytest.fixture
def layer():
    layer = QuantizedFIR(1, 9, padding="causal")
    layer.build((None, 32, 2))
    return layer


def content(folder):
    return sorted(path.name for path in folder.iterdir())


def wrapped(layer):
    x = keras.Input((32, 2))
    return {
        "functional": keras.Model(x, layer(x)),
        "sequential": keras.Sequential([x, layer]),
        "nested": keras.Sequential([x, keras.Model(x, layer(x))]),
    }


@pytest.mark.parametrize("kind", ["functional", "sequential", "nested"])
def test_a_model_around_one_filter_is_that_filter(layer, kind, tmp_path):
    result = export(wrapped(layer)[kind], tmp_path / "fir")
    assert result.spec == FIRSpec.from_layer(layer)
    with pytest.raises(ValueError, match="shape"):
        litert.run(result.files["fir.tflite"], np.zeros((1, 31, 2), int))


class Doubled(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return 2 * self.layer(x)


def spoiled(layer):
    x, other = keras.Input((32, 2)), keras.Input((3,))
    y = layer(x)
    two = keras.Model(x, [x, y])
    return {
        "relu": keras.Model(x, keras.layers.ReLU(name="rectifier")(y)),
        "op": keras.Model(x, y * 2),
        "twice": keras.Model(x, layer(y)),
        "two outputs": two,
        "inner outputs": keras.Model(x, two(x)[0]),
        "two inputs": keras.Model([x, other], y),
        "no filter": keras.Sequential([x, keras.layers.ReLU(name="alone")]),
    }


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("relu", r"'rectifier \(ReLU\)'\] besides"),
        ("op", r"'multiply\w* \(Multiply\)'\] besides"),
        ("twice", r"\(QuantizedFIR\)', '.*\(QuantizedFIR\)'\] as Quant"),
        ("two outputs", "and 2 outputs"),
        ("inner outputs", r"with \[\] as QuantizedFIR.*\(Functional\)"),
        ("two inputs", "2 inputs"),
        ("no filter", r"with \[\] as QuantizedFIR, \['alone \(ReLU\)"),
    ],
)
def test_a_model_that_computes_more_is_refused_by_name(
    layer, kind, match, tmp_path
):
    with pytest.raises(ValueError, match=match):
        export(spoiled(layer)[kind], tmp_path / "fir")
    assert content(tmp_path) == []


def test_what_has_no_graph_is_refused(layer, tmp_path):
    with pytest.raises(TypeError, match="functional or Sequential.*Doubled"):
        export(Doubled(layer), tmp_path / "fir")
    with pytest.raises(TypeError, match="Received: .*ReLU"):
        export(keras.layers.ReLU(), tmp_path / "fir")
    with pytest.raises(
        ValueError, match="a built model; give it a keras.Input"
    ):
        export(keras.Sequential([QuantizedFIR(1, 9)]), tmp_path / "fir")


def test_the_model_is_left_as_it_was(layer, tmp_path):
    model = wrapped(layer)["functional"]
    before = model.get_config(), layer.output, len(model.operations)
    export(model, tmp_path / "fir")
    assert model.get_config() == before[0]
    assert layer.output is before[1]
    assert len(model.operations) == before[2]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = np.ones((1, 32, 2), "float32")
    np.testing.assert_array_equal(again(x), model(x))


def test_one_filter_for_two_signals_is_refused():
    layer = QuantizedFIR(None, 3)
    layer.build((None, 16, 4))
    with pytest.raises(ValueError, match="one signal.*built for 4"):
        find_fir(layer, owner="export")
    alone = QuantizedFIR(None, 3)
    alone.build((None, 16, 2))
    assert find_fir(alone, owner="export")[0] is alone
