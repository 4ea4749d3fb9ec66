"""Sweeps against closed forms and plain loops; their files and errors."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import small_sweep
import tensorflow as tf
from keras import layers, ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import (
    BackpropQModel,
    CriticOptions,
    DifferenceTargetPropagationModel,
    ReplayOptions,
)
from keras_bp.training.learning_rate_sweep import learning_rate_sweep

RNG = np.random.default_rng(0)
ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def classes(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64") + (x[:, 1] > 1)


def parts(n=8):
    return {"train": classes(n), "validation": classes(5, 1)}


class Counting(keras.Model):
    """Has no weights before it is called; counts its traces."""

    traces = 0

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        Counting.traces += 1
        return super().train_step(data)


def counting():
    model = Counting()
    model.compile("sgd", ENTROPY)
    return model


@pytest.fixture
def traces(monkeypatch):
    monkeypatch.setattr(Counting, "traces", 0)
    return lambda: Counting.traces


def without_seconds(sweep):
    return [
        {key: x for key, x in row.items() if key != "seconds"}
        for row in sweep.rows
    ]


def test_gradient_descent_contracts_by_its_closed_form():
    def make():
        dense = layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((1,)), dense])
        model.compile("sgd", "mse", metrics=["mae"])
        return model

    x = np.array([[-1.0], [1.0]])
    data = {"train": (x, 2 * x), "validation": (x, 2 * x)}
    rates = [0.05, 0.25, 0.9, 1.2, 1e15]
    sweep = learning_rate_sweep({"descent": make}, data, rates, epochs=3)
    # Of the loss (w - 2)^2, from w = 0; what overflows float32 becomes NaN.
    error = 2 * np.abs(1 - 2 * np.array(rates)) ** np.array([[2], [3]])
    error, squares = (np.where(x < 3e38, x, np.nan) for x in (error, error**2))
    found = [row["train_loss"] for row in sweep.rows]
    np.testing.assert_allclose(found, squares[0], rtol=1e-5)
    assert (sweep.metric, sweep.mode) == ("loss", "min")
    given, mean, low, high = sweep.curve("descent")
    np.testing.assert_array_equal(given, rates)
    np.testing.assert_allclose(mean, squares[1], rtol=1e-5)
    np.testing.assert_array_equal(low, high)
    absolute = sweep.by("mae", "min")
    np.testing.assert_allclose(absolute.curve("descent")[1], error[1], 1e-5)
    assert sweep.best_rate("descent") == 0.25


@pytest.mark.parametrize(("examples", "expected"), [(8, 1), (9, 2), (3, 1)])
def test_a_method_is_traced_once_for_all_runs(traces, examples, expected):
    def folds(seed):
        return parts(examples) | {"train": classes(examples, seed)}

    sweep = learning_rate_sweep(
        {"A": counting}, folds, [0.1, 1.0, 10.0], (0, 1), 2, batch_size=4
    )
    # The last, smaller batch is traced by itself.
    assert traces() == expected and len(sweep.rows) == 6
    first, *_, last = (row["data"] for row in sweep.rows)
    assert first != last


def noisy(optimizer):
    def make():
        model = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(8, activation="relu"),
                layers.BatchNormalization(),
                layers.Dropout(0.5),
                layers.Dense(3),
            ]
        )
        # Under XLA, Dropout would draw other noise.
        model.compile(
            optimizer(0.5),
            ENTROPY,
            metrics=["sparse_categorical_accuracy"],
            jit_compile=False,
        )
        return model

    return make


def plain_loop(make, data, rate, seed, epochs, size):
    """What a sweep should find, by the methods that Keras has."""
    keras.utils.set_random_seed(seed)
    model = make()
    model.optimizer.learning_rate = rate
    x, y, weights = data["train"]
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(x))
        losses = []
        for begin in range(0, len(x), size):
            rows = order[begin : begin + size]
            loss, *_ = model.train_on_batch(x[rows], y[rows], weights[rows])
            losses.append((loss, len(rows)))
    model.optimizer.finalize_variable_values(model.trainable_variables)
    found = model.evaluate(*data["test"], verbose=0, return_dict=True)
    values, sizes = np.transpose(losses)
    return np.average(values, weights=sizes), found


def test_runs_are_those_of_a_plain_loop():
    data = parts(22) | {"test": classes(17, 2)}
    data["train"] += (RNG.uniform(0.1, 2, 22).astype("float32"),)
    # With slots, and with averages that replace the weights at the end.
    make = noisy(lambda rate: keras.optimizers.Adam(rate, use_ema=True))
    sweep = learning_rate_sweep(
        {"A": make}, data, [1.0, 0.05], (3, 1), 3, batch_size=8
    )
    # The last run, for which all must be set anew.
    row = sweep.rows[-1]
    assert (row["seed"], row["rate"]) == (1, 0.05)
    loss, found = plain_loop(make, data, 0.05, 1, 3, 8)
    np.testing.assert_allclose(row["train_loss"], loss, rtol=1e-5)
    np.testing.assert_allclose(row["test"]["loss"], found["loss"], rtol=1e-5)
    accuracy = found["sparse_categorical_accuracy"]
    np.testing.assert_allclose(row["test"]["accuracy"], accuracy, rtol=1e-6)


def compiled(jit_compile, loss=ENTROPY):
    def make():
        model = Counting()
        model.compile("adam", loss, jit_compile=jit_compile)
        return model

    return make


def test_steps_are_compiled_by_xla_where_the_model_asks_for_it():
    methods = {"graph": compiled(False), "xla": compiled(True)}
    graph, xla = learning_rate_sweep(methods, parts(), [0.1], epochs=3).rows
    np.testing.assert_allclose(xla["train_loss"], graph["train_loss"], 1e-5)
    for part in ("loss", "accuracy"):
        np.testing.assert_allclose(
            xla["validation"][part], graph["validation"][part], rtol=1e-5
        )

    def through_numpy(y, y_pred):
        same = tf.numpy_function(lambda x: x, [y_pred], y_pred.dtype)
        return ENTROPY(y, y_pred) + 0 * ops.sum(same)

    # For XLA there is no kernel.
    learning_rate_sweep(
        {"graph": compiled(False, through_numpy)}, parts(), [0.1], epochs=1
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="PyFunc"):
        learning_rate_sweep(
            {"xla": compiled(True, through_numpy)}, parts(), [0.1], epochs=1
        )


@pytest.mark.slow
def test_runs_under_jax_are_those_under_tensorflow():
    pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 10), ("validation", 7), ("test", 1003)):
        x, y = classes(n)
        arrays[part] = [x, y, rng.uniform(0.5, 1, n).astype("float32")]
    text = json.dumps(arrays, default=lambda a: a.tolist())
    paths = pathlib.Path(small_sweep.__file__).parents
    done = subprocess.run(
        [sys.executable, small_sweep.__file__],
        input=text,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(paths[2]),
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = small_sweep.rows(text), json.loads(done.stdout.splitlines()[-1])
    for a, b in zip(*found, strict=True):
        assert a["rate"] == b["rate"] and a["seed"] == b["seed"]
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-4)
        for part in ("validation", "test"):
            assert a[part] == pytest.approx(b[part], rel=1e-4)


def test_metrics_that_only_training_has_are_left_out_of_evaluations():
    class Trained(Counting):
        def test_step(self, data):
            return {"loss": super().test_step(data)["loss"]}

    def make():
        model = Trained()
        model.compile(
            "sgd", ENTROPY, metrics=["sparse_categorical_crossentropy"]
        )
        return model

    (row,) = learning_rate_sweep({"A": make}, parts(), [0.1], epochs=1).rows
    assert set(row["validation"]) == {"loss", "accuracy"}


def test_all_rates_of_a_seed_begin_at_the_same_values():
    sweep = learning_rate_sweep(
        {"A": counting, "B": counting}, parts(), [1e-12, 1e-11], (0, 1), 1
    )
    losses = [row["validation"]["loss"] for row in sweep.rows]
    # Steps so small leave the weights as they are.
    a0, a1 = losses[0], losses[2]
    assert losses == [a0, a0, a1, a1] * 2 and a0 != a1


def test_a_sweep_goes_on_where_it_was_broken_off(tmp_path, traces):
    path = tmp_path / "new" / "rows.jsonl"
    data = {**parts(), "name": "toy"}
    data["train"] = 1e3 * data["train"][0], data["train"][1]
    # The last one overflows: what is not finite is kept as well.
    rates = [0.1, 1.0, 1e38]
    whole = learning_rate_sweep({"A": counting}, data, rates, (0, 1), 4)
    learning_rate_sweep({"A": counting}, data, rates[:2], (0,), 4, path=path)
    lines = path.read_text().splitlines()
    assert len(lines) == 3 and json.loads(lines[1])["set"] == "toy"
    path.write_text("\n".join([*lines[:2], lines[2][:40]]))
    resumed = learning_rate_sweep(
        {"A": counting}, data, rates, (0, 1), 4, path=path
    )
    lines = path.read_text().splitlines()
    assert len(lines) == 7 and "null" in lines[-1] and "NaN" not in lines[-1]
    assert traces() == 3
    again = learning_rate_sweep(
        {"A": counting}, data, rates, (0, 1), 4, path=path
    )
    assert traces() == 3
    np.testing.assert_equal(without_seconds(resumed), without_seconds(whole))
    np.testing.assert_equal(again.rows, resumed.rows)
    assert np.isnan(again.rows[-1]["validation"]["loss"])


def test_a_file_of_another_sweep_is_refused(tmp_path):
    def sweep(text=None, epochs=1, data=None):
        path = tmp_path / "rows.jsonl"
        if text is not None:
            path.write_text(text)
        learning_rate_sweep(
            {"A": counting}, data or parts(), [0.1], (0,), epochs, path=path
        )
        return path.read_text()

    written = sweep()
    header = written.splitlines(keepends=True)[0]
    # A header that was broken off is begun anew.
    assert len(sweep(header[:-1]).splitlines()) == 2
    with pytest.raises(ValueError, match="settings.*epochs.: 2.*a line"):
        sweep(epochs=2)
    with pytest.raises(ValueError, match="same data.*other data.*'A', 0, 0.1"):
        sweep(data=parts(7))
    for text in ("notes\n", "notes", written + "{}\n", written + "[\n"):
        with pytest.raises(ValueError, match="remove the file.*a line"):
            sweep(text)


def test_predictions_with_nan_are_wrong():
    # Adam at this rate is NaN at once; the first class would be the largest.
    data = parts()
    data["validation"] = data["validation"][0], np.zeros(5, "int64")
    sweep = learning_rate_sweep(
        {"A": noisy(keras.optimizers.SGD)}, data, [1e38], epochs=5
    )
    (row,) = sweep.rows
    assert np.isnan(row["train_loss"]) and row["validation"]["accuracy"] == 0
    assert row["validation"]["sparse_categorical_accuracy"] == 1


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"methods": [counting]}, TypeError, "`methods` to be a dictionary"),
        ({"methods": {}}, TypeError, "`methods` to be a dictionary"),
        ({"methods": {"A": 1}}, TypeError, "functions.*'A' with 1"),
        ({"methods": {"A": Counting()}}, TypeError, "functions.*new, compiled"),
        ({"rates": [0.1, 0.0]}, ValueError, "`rates`.*rates=0.0"),
        ({"rates": []}, ValueError, "`rates` to hold at least one"),
        ({"rates": [1, 1.0]}, ValueError, "`rates` to hold.*each once"),
        ({"seeds": [-1]}, ValueError, "`seeds`.*seeds=-1"),
        ({"seeds": [0.5]}, TypeError, "`seeds`.*seeds=0.5"),
        ({"epochs": 0}, ValueError, "`epochs`.*epochs=0"),
        ({"batch_size": 2.0}, TypeError, "`batch_size`.*2.0"),
        ({"data": {"train": classes(3)}}, ValueError, r"Received: \['train'\]"),
        ({"data": parts() | {"other": 1}}, ValueError, "'other', 'train'"),
        ({"data": parts() | {"test": [1]}}, ValueError, "'test'.*list"),
        (
            {"data": parts() | {"test": (np.ones(3), np.ones(2))}},
            ValueError,
            r"'test' to hold as many.*shapes \[\(3,\), \(2,\)\]",
        ),
        ({"data": parts(0)}, ValueError, "one or more"),
        ({"data": classes(3)}, TypeError, "under 'train' and.*tuple"),
        (
            {"data": parts() | {"train": ([[1.0]], [0])}},
            TypeError,
            r"data\['train'\].*numpy.array",
        ),
    ],
)
def test_bad_arguments_are_refused(changed, error, words):
    given = {"methods": {"A": counting}, "data": parts(), "rates": [0.1]}
    with pytest.raises(error, match=words):
        learning_rate_sweep(**(given | changed))


def test_models_that_cannot_be_swept_are_refused():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    units = iter(range(3, 9))

    def dense(number=3):
        return keras.Sequential([keras.Input((3,)), layers.Dense(number)])

    def compiled(model, optimizer="sgd"):
        model.compile(optimizer, ENTROPY)
        return model

    for make, error, words in (
        (lambda: layers.Dense(3), TypeError, "Dense by 'A'"),
        (dense, ValueError, "compiled.*without one by 'A'"),
        (
            lambda: compiled(dense(), keras.optimizers.SGD(schedule)),
            ValueError,
            "a number.*schedule or a function by 'A'",
        ),
        (
            lambda: compiled(dense(next(units))),
            ValueError,
            "same model each time.*other shapes, by 'A'",
        ),
    ):
        with pytest.raises(error, match=words):
            learning_rate_sweep({"A": make}, parts(), [0.1])


def test_all_optimizers_of_a_model_begin_anew():
    def make():
        plain = keras.Sequential(
            [keras.Input((3,)), *(layers.Dense(4) for _ in range(3))]
        )
        model = DifferenceTargetPropagationModel(plain, seed=0)
        # Other decoders make other steps of the first layer.
        model.compile(
            keras.optimizers.SGD(0.1),
            ENTROPY,
            decoder_optimizer=keras.optimizers.Adam(0.1),
        )
        return model

    def losses(rates):
        sweep = learning_rate_sweep({"A": make}, parts(), rates, epochs=3)
        return {row["rate"]: row["validation"]["loss"] for row in sweep.rows}

    assert losses([0.2, 0.1])[0.1] == losses([0.1])[0.1]


def critics(loss, **options):
    """A function that makes models whose nodes learn from critics."""

    def make():
        x = keras.Input((3,))
        node = StochasticNode(name="bits", seed=3)(layers.Dense(2)(x))
        y = layers.Dense(1)(node)
        if loss is None:
            y = CostNode(lambda v: ops.sum(ops.square(v - 1), axis=-1))(y)
        model = BackpropQModel(x, y)
        model.compile("sgd", keras.optimizers.Adam(0.1), loss=loss, **options)
        return model

    return make


@pytest.mark.parametrize("loss", [None, "mse"])
def test_critics_begin_anew_with_each_rate(loss):
    x = RNG.normal(size=(16, 3)).astype("float32")
    data = {"train": (x, x[:, :1]), "validation": (x, x[:, :1])}
    # The same rate in float32, for two runs of which one is the first.
    rates = [0.1, 0.1 + 1e-12]
    sweep = learning_rate_sweep(
        {"q": critics(loss)}, data, rates, epochs=2, batch_size=8
    )
    one, other = without_seconds(sweep)
    assert one == {**other, "rate": 0.1}


def test_a_replay_that_a_run_cannot_forget_is_refused():
    options = CriticOptions(replay=ReplayOptions(size=8))
    x = np.ones((4, 3), "float32")
    data = {"train": (x, x[:, :1]), "validation": (x, x[:, :1])}
    with pytest.raises(ValueError, match="without a replay.*'q'"):
        learning_rate_sweep({"q": critics("mse", critic=options)}, data, [0.1])
