"""Part 2: three backward rules in the rectifiers of one trained CNN."""

import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import results
from examples.quickstart_parts.common import finish
from keras_bp.surgery import swap_activations

RULES = ("vanilla", "guided", "deconvnet")
TITLES = {"vanilla": "saliency", "guided": "guided", "deconvnet": "DeconvNet"}


def attribution_maps(run, train, test):
    """Part 2: three backward rules in the rectifiers of one trained CNN."""
    print("\n2. Saliency, guided and DeconvNet maps of a trained CNN")
    begin = time.perf_counter()
    (x, y), (x_test, y_test) = train, test
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same"),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        keras.optimizers.Adam(2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        x, y, batch_size=64, epochs=10 if run.full else 3, verbose=run.verbose
    )
    before = model.predict(x_test, verbose=0)
    images = tf.constant(x_test[:100])
    maps = {
        rule: _maps(swap_activations(model, rule), images) for rule in RULES
    }
    plain = _maps(model, images)
    changed = float(np.abs(model.predict(x_test, verbose=0) - before).max())
    distance = {rule: _class_distance(*maps[rule]) for rule in RULES}
    rows = [
        results.row(
            "attribution maps",
            f"class distance of {TITLES[rule]}, 0 to 2",
            distance[rule],
            "",
            against="saliency" if rule != "vanilla" else None,
            against_value=distance["vanilla"] if rule != "vanilla" else None,
        )
        for rule in RULES
    ]
    rows.append(
        results.row(
            "attribution maps",
            "change of the user's model, and of its plain gradient",
            max(changed, float(np.abs(plain[0] - maps["vanilla"][0]).max())),
            "",
            aim="<= 1e-6",
        )
    )
    shown = [int(np.flatnonzero(y_test[:100] == k)[0]) for k in (2, 5, 7)]

    def draw(figure):
        grid = figure.subplots(len(shown), 1 + len(RULES))
        for axes, index in zip(grid, shown, strict=True):
            axes[0].imshow(x_test[index, ..., 0], cmap="gray_r")
            for axis, rule in zip(axes[1:], RULES, strict=True):
                found = maps[rule][0][index, ..., 0]
                bound = np.abs(found).max()
                axis.imshow(found, cmap="RdBu_r", vmin=-bound, vmax=bound)
        for axis in grid.ravel():
            axis.set(xticks=[], yticks=[])
        for axis, title in zip(
            grid[0], ("image", *TITLES.values()), strict=True
        ):
            axis.set_title(title)

    text = (
        "Gradients of the largest logit, with the ReLUs of the same network "
        "swapped. The class distance is that between the normalized maps of "
        "the largest logit and of another: the smaller, the less a map says "
        "about the class. Each map has a color scale of its own."
    )
    return finish(begin, "Attribution maps", text, rows, draw, (7, 5.2))


def _maps(model, images):
    """Gradients of the largest logit, and of the one five classes on."""

    @tf.function
    def gradients(images):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            logits = model(images, training=False)
            top = tf.argmax(logits, axis=-1)
            first = tf.gather(logits, top, batch_dims=1)
            other = tf.gather(logits, (top + 5) % 10, batch_dims=1)
        return tape.gradient(first, images), tape.gradient(other, images)

    return [found.numpy() for found in gradients(images)]


def _class_distance(first, other):
    first, other = (
        maps.reshape(len(maps), -1)
        / np.maximum(
            np.linalg.norm(maps.reshape(len(maps), -1), axis=1)[:, None], 1e-12
        )
        for maps in (first, other)
    )
    return float(np.linalg.norm(first - other, axis=1).mean())
