"""Part 1: binary neurons and a gradient mask in a functional model."""

import subprocess
import sys
import time

import keras
import numpy as np

from benchmarks import results
from examples.quickstart_parts.common import finish
from keras_bp.callbacks import SlopeAnnealing
from keras_bp.layers import BackdropMask, BinaryNeuron

_RELOAD = """
import sys
import keras
import keras_bp
import numpy as np
model = keras.models.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], model.predict(images, verbose=0))
"""


def binary_classifier(run, train, test):
    """Part 1: binary neurons and a gradient mask in a functional model."""
    print("\n1. A classifier with binary neurons and a gradient mask")
    begin = time.perf_counter()
    x_test, y_test = test
    neuron = BinaryNeuron(
        mode="stochastic", inference="threshold", seed=run.seed, name="bits"
    )
    mask = BackdropMask(rate=0.25, granularity="element", seed=run.seed)
    model = _classifier(x_test.shape[1:], neuron, mask)
    annealing = SlopeAnnealing(factor=1.1, every="epoch")
    history = _fit_classifier(run, model, train, test, [annealing])
    print("The same network with a sigmoid, for comparison")
    sigmoid = _classifier(
        x_test.shape[1:],
        keras.layers.Activation("sigmoid"),
        BackdropMask(rate=0.25, granularity="element", seed=run.seed),
    )
    plain = _fit_classifier(run, sigmoid, train, test, [])
    predicted = model.predict(x_test, verbose=0)
    again = _predict_in_fresh_process(run, model, x_test)
    codes = keras.Model(model.input, model.get_layer("bits").output)(
        x_test[:200]
    )
    rows = [
        results.row(
            "binary classifier",
            f"accuracy through 64 bits, {len(y_test):,} test images",
            float(np.mean(predicted.argmax(-1) == y_test)),
            "",
            against="sigmoid units",
            against_value=plain["val_accuracy"][-1],
            aim=">= 0.95",
        ),
        results.row(
            "binary classifier",
            "largest difference after reloading in a fresh process",
            float(np.abs(predicted - again).max()),
            "",
            aim="== 0",
        ),
    ]
    order = np.argsort(y_test[:200], kind="stable")

    def draw(figure):
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        left.imshow(codes.numpy()[order], cmap="gray_r", aspect="auto")
        left.set(title="64 bits of 200 digits, sorted", xlabel="unit")
        right.plot(history["val_accuracy"], label="test accuracy")
        right.set(title="Training", xlabel="epoch", ylim=(0.8, 1))
        slope = right.twinx()
        slope.plot(history["slope"], "C1--")
        slope.set_ylabel("slope (dashed)")
        right.set_ylabel("test accuracy")

    text = (
        "Dense layers, BinaryNeuron and BackdropMask, trained by model.fit "
        "with slope annealing, saved and loaded in a fresh process."
    )
    return finish(begin, "Binary neurons", text, rows, draw, (9, 3.2))


def _classifier(shape, unit, mask):
    inputs = keras.Input(shape)
    h = keras.layers.Flatten()(inputs)
    h = keras.layers.Dense(256, activation="relu")(h)
    h = keras.layers.BatchNormalization()(keras.layers.Dense(64)(h))
    return keras.Model(inputs, keras.layers.Dense(10)(mask(unit(h))))


def _fit_classifier(run, model, train, test, callbacks):
    model.compile(
        keras.optimizers.Adam(2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model.fit(
        *train,
        batch_size=64,
        epochs=20 if run.full else 10,
        validation_data=test,
        callbacks=callbacks,
        verbose=run.verbose,
    ).history


def _predict_in_fresh_process(run, model, images):
    """Saves the model; another Python loads it and predicts."""
    paths = [
        run.out_dir / name
        for name in ("classifier.keras", "images.npy", "predicted.npy")
    ]
    model.save(paths[0])
    np.save(paths[1], images)
    done = subprocess.run(
        [sys.executable, "-c", _RELOAD, *map(str, paths)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"The reloading process failed:\n{done.stderr}")
    predicted = np.load(paths[2])
    paths[1].unlink()
    paths[2].unlink()
    return predicted
