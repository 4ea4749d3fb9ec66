import functools

import keras
import numpy as np
import pytest

from keras_bp.layers import KerrRotation, QuantizedFIR
from keras_bp.ops import FixedPoint
from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, FIRSpec, KerrSpec, RoundSpec, export


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
    result = export(wrapped(layer)[kind], tmp_path / "fir", "vectors")
    assert result.spec == ChainSpec.from_layer(layer)
    assert result.spec.stages == (FIRSpec.from_layer(layer),)


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
        "two outputs": two,
        "inner outputs": keras.Model(x, two(x)[0]),
        "two inputs": keras.Model([x, other], y),
        "no filter": keras.Sequential([x, keras.layers.ReLU(name="alone")]),
    }


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("relu", r"Received: .* with rectifier \(ReLU\)"),
        ("op", r"Received: .* with multiply\w* \(Multiply\)"),
        ("two outputs", "none but those, 1 inputs and 2 outputs"),
        ("inner outputs", r"Received: .* with functional\w* \(Functional\)"),
        ("two inputs", "2 inputs"),
        ("no filter", r"Received: .* with alone \(ReLU\)"),
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


def test_one_filter_for_two_signals_keeps_their_number():
    layer = QuantizedFIR(None, 3)
    layer.build((None, 16, 4))
    chain = ChainSpec.from_layer(layer)
    assert chain.channels == chain.output_channels == 4
    assert chain.stages[0].kernel.shape == (3, 2, 2)


def test_layers_of_other_formats_are_joined_by_a_rounding():
    fine, coarse = FixedPoint(12, 8), FixedPoint(8, 6, overflow="wrap")
    x = keras.Input((32, 2))
    make = functools.partial(
        QuantizedFIR,
        1,
        3,
        tap_initializer=keras.initializers.RandomUniform(-1, 1, seed=1),
    )
    first, second = make(signal_format=fine), make(signal_format=coarse)
    model = keras.Model(x, second(first(x)))
    chain = ChainSpec.from_layer(model)
    kinds = [type(stage) for stage in chain.stages]
    assert kinds == [FIRSpec, RoundSpec, FIRSpec]
    signal = np.random.default_rng(0).integers(-2048, 2048, (3, 32, 2))
    y = model(signal * fine.step)
    np.testing.assert_array_equal(chain.run(signal) * coarse.step, y)


def test_one_layer_applied_twice_is_two_stages(layer):
    x = keras.Input((32, 2))
    chain = ChainSpec.from_layer(keras.Model(x, layer(layer(x))))
    assert chain.stages == (FIRSpec.from_layer(layer),) * 2


def test_a_rotation_that_does_not_round_all_is_refused():
    kerr = KerrRotation(0.1, "taylor2", signal_format=FixedPoint(8, 5))
    kerr.build((None, 8, 2))
    with pytest.raises(ValueError, match="without power_format, coeff"):
        ChainSpec.from_layer(kerr)
    with pytest.raises(ValueError, match="method='exact'"):
        ChainSpec.from_layer(KerrRotation(0.1))


def test_a_model_of_real_numbers_is_refused():
    model = LearnedDBP(FiberLink.isit(num_spans=2), num_taps=5)
    with pytest.raises(ValueError, match="expects a built model; call it"):
        ChainSpec.from_layer(model)
    model.build((None, 64, 2))
    with pytest.raises(ValueError, match="without formats of input, taps"):
        ChainSpec.from_layer(model)


def test_a_rotation_takes_what_the_layer_before_it_gives():
    fine, coarse = FixedPoint(12, 8), FixedPoint(8, 6)
    roles = ("power", "coefficient", "phase", "rotation", "output")

    def model_of(before):
        fir = QuantizedFIR(1, 1, signal_format=fine, output_format=before)
        kerr = KerrRotation(
            0.1,
            "taylor2",
            signal_format=coarse,
            formats=dict.fromkeys(roles, coarse),
        )
        return keras.Sequential([keras.Input((8, 2)), fir, kerr])

    kinds = [type(s) for s in ChainSpec.from_layer(model_of(coarse)).stages]
    assert kinds == [FIRSpec, KerrSpec]
    # Numbers that are rounded otherwise are the same numbers.
    ChainSpec.from_layer(model_of(FixedPoint(8, 6, rounding="truncate")))
    # It does not round its input, so that no RoundSpec computes the same.
    words = "word_length=12, .*Received: 'kerr_rot.* with .*word_length=8,"
    with pytest.raises(ValueError, match=words):
        ChainSpec.from_layer(model_of(fine))
