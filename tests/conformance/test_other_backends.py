"""Layers, callbacks and metrics where Keras does not run on TensorFlow.

The reference is a run on TensorFlow, in a process of its own: equal values,
equal gradients, and its `.keras` files. `tests/conftest.py` leaves this file
out where the backend is TensorFlow, on which `test_layers.py` says more.
"""

import inspect
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from backend_cases import cases
from backend_values import fix_noise, layer_values, training_of, values_of
from keras import ops
from layer_rows import ROWS, inputs_of, make, model_of

import keras_bp
from keras_bp import callbacks, layers, losses, metrics, surgery
from keras_bp.ops import FixedPoint

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
every_trained_row = pytest.mark.parametrize(
    "row", [row for row in ROWS if row.trains], ids=lambda row: row.name
)
HERE = pathlib.Path(__file__).parent
X = np.random.default_rng(0).normal(size=(16, 12, 2)).astype("float32")


@pytest.fixture(autouse=True)
def equal_noise(monkeypatch):
    fix_noise(monkeypatch.setattr)


@pytest.fixture(scope="session")
def on_tensorflow(tmp_path_factory):
    """A folder with what `backend_values` writes on TensorFlow."""
    folder = tmp_path_factory.mktemp("on_tensorflow")
    done = subprocess.run(
        [sys.executable, str(HERE / "backend_values.py"), str(folder)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"}
        | {"PYTHONPATH": str(pathlib.Path(keras_bp.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def expected(on_tensorflow):
    with np.load(on_tensorflow / "values.npz") as found:
        return dict(found)


def check(found, name, expected):
    """Equal to the reference of `name`, entry by entry."""
    wanted = {
        key.removeprefix(f"{name}/"): value
        for key, value in expected.items()
        if key.startswith(f"{name}/") and not key.endswith("/model")
    }
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        np.testing.assert_allclose(
            found[key], value, rtol=1e-4, atol=1e-5, err_msg=key
        )


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_values_and_gradients_are_those_of_tensorflow(case, expected):
    check(values_of(case), case.name, expected)


@every_row
def test_layers_compute_what_they_do_on_tensorflow(row, expected):
    check(layer_values(row), row.name, expected)


@every_row
def test_files_of_tensorflow_load_and_give_equal_outputs(
    row, on_tensorflow, expected
):
    index = ROWS.index(row)
    model = keras.models.load_model(on_tensorflow / f"{index}.keras")
    np.testing.assert_allclose(
        ops.convert_to_numpy(model(inputs_of(row))),
        expected[f"{row.name}/model"],
        rtol=1e-4,
        atol=1e-5,
    )


@every_row
def test_configs_round_trip(row):
    config = make(row).get_config()
    signature = inspect.signature(row.cls.__init__).parameters.values()
    arguments = {p.name for p in signature if p.kind is not p.VAR_KEYWORD}
    assert arguments - {"self"} <= set(config)
    assert row.cls.from_config(config).get_config() == config


@every_row
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_shapes_and_dtypes_agree(row, policy):
    layer = make(row, dtype=policy)
    symbolic = layer(keras.KerasTensor((None, *row.shape[1:])))
    computed = layer.compute_output_shape((None, *row.shape[1:]))
    weights = [weight.path for weight in layer.weights]
    eager = layer(inputs_of(row), **training_of(row))
    assert tuple(symbolic.shape) == tuple(computed)
    assert tuple(layer.compute_output_shape(row.shape)) == tuple(eager.shape)
    dtype = keras.backend.standardize_dtype(eager.dtype)
    assert symbolic.dtype == dtype
    half = policy.startswith("mixed_") and row.half_output
    expected = policy.removeprefix("mixed_") if half else "float32"
    assert dtype == ("int32" if row.integers else expected)
    assert [weight.path for weight in layer.weights] == weights


@every_trained_row
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_model_fits_and_reloads(row, policy, tmp_path):
    keras.utils.set_random_seed(0)
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = model_of(row)
    finally:
        keras.config.set_dtype_policy(previous)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    x = inputs_of(row)
    before = model.layers[1].get_weights()[0]
    history = model.fit(x, np.ones((len(x), 1), "float32"), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert not np.array_equal(model.layers[1].get_weights()[0], before)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.cast(reloaded(x), "float32")),
        ops.convert_to_numpy(ops.cast(model(x), "float32")),
    )


def filter_model():
    return keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.QuantizedFIR(1, 3, FixedPoint(6, 4), padding="same"),
        ]
    )


def fit(model, *given, epochs=2, y=X, **kwargs):
    model.compile(keras.optimizers.SGD(0.05), "mse", **kwargs)
    return model.fit(
        X, y, 4, epochs=epochs, verbose=0, shuffle=False, callbacks=given
    ).history


@pytest.mark.parametrize("every", ["epoch", "batch"])
def test_schedules_reach_the_weights_that_train(every):
    kinds = {
        "backdrop_rate": callbacks.BackdropRateSchedule(
            0.8, 0.1, 3, every=every
        ),
        "binary_slope": callbacks.SlopeAnnealing(1.1, every=every),
        "node_temperature": callbacks.TemperatureSchedule(
            rate=0.5, every=every
        ),
    }
    model = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.BackdropMask(0.5, seed=0),
            layers.BinaryNeuron(seed=0),
            keras.layers.Dense(2),
            layers.StochasticNode(estimator="reinmax", seed=0),
        ]
    )
    logs = fit(model, *kinds.values(), epochs=3)
    values = {
        weight.name: float(ops.convert_to_numpy(weight))
        for weight in model.non_trainable_weights
        if "/" in weight.path and weight.shape == ()
    }
    steps = 2 if every == "epoch" else 11
    # The others before what they are for, this one behind it.
    assert values["binary_slope"] == pytest.approx(1.1 ** (steps + 1))
    assert values["node_temperature"] == pytest.approx(
        max(0.5, np.exp(-0.5 * steps))
    )
    assert values["backdrop_rate"] == pytest.approx(
        0.8 - 0.7 * min(steps / 3, 1)
    )
    assert len(logs["slope"]) == 3


def test_taps_are_held_as_training_goes_on():
    model = filter_model()
    freeze = callbacks.IncrementalFreeze(shares=(1.0,), start=3)
    logs = fit(model, freeze, epochs=1, y=0.4 * X)
    assert logs["held"] == [1.0]
    (layer,) = model.layers
    held = ops.convert_to_numpy(layer.tap_hold.value)
    # They moved before they were held, and are of the format.
    assert np.any(held != np.round(held))
    np.testing.assert_array_equal(held * 16, np.round(held * 16))


def test_taps_are_pruned_and_closed():
    model = filter_model()
    prune = callbacks.TapPrune(target_taps=1, steps=2)
    close = callbacks.CoordinateClose(X[:4], X[:4], every=2)
    before = fit(model, epochs=1)["loss"]
    logs = fit(model, prune, close, epochs=1)
    (layer,) = model.layers
    assert layer.tap_hold.pruned.any() and layer.tap_hold.held.all()
    assert np.isfinite(before + logs["loss"]).all()


def test_samples_are_drawn_as_pictures(tmp_path):
    def samples(model):
        return np.eye(4)[None]

    fit(filter_model(), callbacks.SampleGrid(samples, tmp_path), epochs=1)
    (path,) = tmp_path.iterdir()
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_samples_are_measured():
    def samples(model):
        return ops.convert_to_tensor(np.eye(4)[None])

    measured = callbacks.SampleMetrics(
        samples,
        {
            "on": metrics.on_fraction,
            "flips": metrics.FlipRatio((1, 4, 4), dtype="float16"),
            "half": lambda x: ops.full((3,), 0.5, "bfloat16"),
        },
    )
    logs = fit(filter_model(), measured, epochs=2)
    assert logs["samples/on"] == [0.25] * 2
    assert logs["samples/half"] == [0.5] * 2
    np.testing.assert_array_equal(logs["samples/flips"], [np.nan, 0.0])


def test_losses_and_metrics_are_compiled():
    logs = fit(filter_model(), metrics=[metrics.EffectiveSNR()])
    assert np.isfinite(logs["effective_snr"]).all()
    model = filter_model()
    model.compile("sgd", losses.PhaseAlignedError())
    assert np.isfinite(model.fit(X, X, verbose=0).history["loss"]).all()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile("sgd", losses.PairwiseAUC())
    y = np.arange(8.0).reshape(8, 1) % 2
    assert np.isfinite(
        model.fit(X[:8, :2].reshape(8, 4), y, verbose=0).history["loss"]
    ).all()


def test_surgery_gives_equal_outputs():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, activation="relu", name="conv"),
            keras.layers.ReLU(max_value=6.0),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    wanted = ops.convert_to_numpy(model(x))
    for changed in (
        surgery.swap_activations(model),
        surgery.insert_backdrop(model, {"conv": {"rate": 0.5}}),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(changed(x)), wanted, rtol=1e-6
        )
