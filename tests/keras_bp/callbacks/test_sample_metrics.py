import csv

import keras
import numpy as np
import pytest

from keras_bp import metrics
from keras_bp.callbacks import SampleMetrics

X = np.ones((8, 2), "float32")


def fit(callbacks, epochs=4, **kwargs):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(
        X, X[:, :1], epochs=epochs, verbose=0, callbacks=callbacks, **kwargs
    ).history


def growing():
    """Samples of which one more bit is on after each epoch."""
    made = []

    def make_samples(model):
        made.append(model)
        bits = np.zeros((2, 2, 5), "uint8")
        bits[0, 0, : len(made)] = 1
        return keras.ops.convert_to_tensor(bits)

    return make_samples


def test_each_epoch_is_measured_by_functions_and_metrics():
    found = fit(
        [
            SampleMetrics(
                growing(),
                {
                    "on": metrics.on_fraction,
                    "alone": lambda x: metrics.isolated_pixels(x, 4).max(),
                    "flips": metrics.FlipRatio((2, 2, 5)),
                },
            )
        ]
    )
    np.testing.assert_allclose(found["samples/on"], [0.05, 0.1, 0.15, 0.2])
    assert found["samples/alone"] == [1.0, 0.0, 0.0, 0.0]
    # There is nothing before the first, and one of 20 bits turns each time.
    np.testing.assert_allclose(found["samples/flips"], [np.nan] + 3 * [0.05])


def test_other_epochs_have_the_last_values_and_a_file_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    measured = SampleMetrics(growing(), {"on": metrics.on_fraction}, every=2)
    logger = keras.callbacks.CSVLogger(str(path))
    found = fit([measured, logger], epochs=6, initial_epoch=2)
    # The third epoch is the first, the fourth and the sixth are even.
    expected = [0.05, 0.1, 0.1, 0.15]
    np.testing.assert_allclose(found["samples/on"], expected)
    rows = list(csv.DictReader(path.open()))
    written = [float(row["samples/on"]) for row in rows]
    np.testing.assert_allclose(written, expected)


@pytest.mark.parametrize(
    ("name", "measure", "every", "threshold", "kept"),
    [
        # Measured after epochs 1, 2 and 4, better each time.
        ("on", metrics.on_fraction, 2, None, [1, 2, 4]),
        # NaN, and then the same.
        ("flips", metrics.FlipRatio((2, 2, 5)), 1, 0.0, [2]),
    ],
)
def test_a_checkpoint_may_watch_a_measure(
    name, measure, every, threshold, kept, tmp_path
):
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.keras"),
        f"samples/{name}",
        save_best_only=True,
        mode="max",
        initial_value_threshold=threshold,
    )
    fit([SampleMetrics(growing(), {name: measure}, every), checkpoint])
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == kept


@pytest.mark.parametrize(("start", "epochs"), [(0, 4), (1, 5)])
def test_a_training_is_stopped_by_what_is_no_nan(start, epochs):
    stopping = keras.callbacks.EarlyStopping(
        "samples/flips", patience=3, mode="max", start_from_epoch=start
    )
    measured = SampleMetrics(growing(), {"flips": metrics.FlipRatio((2, 2, 5))})
    found = fit([measured, stopping], epochs=5)
    # From the first epoch on, NaN is taken for the best.
    assert len(found["samples/flips"]) == epochs


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32", "bool"])
def test_tensors_of_each_type_have_a_mean(dtype):
    def measure(samples):
        return keras.ops.convert_to_tensor([1, 0, 1, 0], dtype)

    found = fit([SampleMetrics(growing(), {"half": measure})], epochs=1)
    assert found["samples/half"] == [0.5]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, {"on": len}), TypeError, "`make_samples` to be a function"),
        ((len, [len]), TypeError, "`measures` to be a dictionary"),
        ((len, {1: len}), TypeError, "`measures` to be a dictionary"),
        ((len, {"on": 0.5}), TypeError, "functions of samples or metrics"),
        ((len, {}), ValueError, "`measures` to hold one or more"),
        ((len, {"on": len}, 0), ValueError, "`every` to be 1 or greater"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=f"SampleMetrics expects .*{message}"):
        SampleMetrics(*arguments)


@pytest.mark.parametrize("value", ["much", None, np.ones(0), {"a": 1.0}])
def test_a_measure_without_a_mean_is_named(value):
    with pytest.raises(ValueError, match="the measure 'on' to return a number"):
        fit([SampleMetrics(growing(), {"on": lambda x: value})])
