import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from mask_outcomes import give_noise, outcomes

from keras_bp.callbacks.gradient_noise_probe import (
    GradientNoiseProbe,
    inverse_survivors,
)
from keras_bp.layers import BackdropMask

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 1)).astype("float32")
Y = RNG.normal(size=(3, 1)).astype("float32")


def network(*between, rate=0.5, **arguments):
    """A convolution below a mask of three positions, and a head above it."""
    keras.utils.set_random_seed(0)
    mask = BackdropMask(rate, name="mask", seed=1, **arguments)
    model = keras.Sequential(
        [
            keras.Input((6, 1)),
            keras.layers.Conv1D(2, 2, strides=2, name="trunk"),
            *between,
            mask,
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="tanh", name="head"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def probed(model, **arguments):
    """The rows of a probe after an epoch, and the logs."""
    probe = GradientNoiseProbe(X, Y, **arguments)
    logs = model.fit(X, Y, verbose=0, callbacks=[probe]).history
    return {row.name.split("/")[-1]: row for row in probe.rows}, logs


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("cells", [1, 2, 7])
def test_the_mean_of_one_over_the_survivors_is_that_of_all_masks(rate, cells):
    want = sum(
        chance / max(1, (noise >= rate).sum())
        for noise, chance in outcomes(cells, rate)
    )
    np.testing.assert_allclose(inverse_survivors(rate, cells), want, rtol=1e-6)


def test_the_mean_of_one_over_many_survivors_does_not_overflow():
    kept = 0.5 * 20_000
    # By the expansion of 1/K around its mean.
    want = (1 + 0.5 / kept) / kept
    found = inverse_survivors(0.5, 20_000)
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_the_predicted_variance_is_that_of_all_masks(monkeypatch):
    model = network(rate=0.6, granularity="spatial", block_size=2)
    model.optimizer.learning_rate = 0.0
    rows, logs = probed(model, num_draws=2)
    given = give_noise(monkeypatch, [model.get_layer("mask")])

    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(X, training=True) - Y) ** 2)
        found = tape.gradient(loss, model.trainable_weights)
        return np.concatenate([np.ravel(part) for part in found])

    # Masks of two blocks, of one sample while the others keep all cells:
    # independent parts of a variance add.
    variance = 0
    for sample in range(3):
        given[0] = np.full((3, 2, 1), 0.9)
        full = gradient()
        for noise, chance in outcomes(2, 0.6):
            given[0][sample, :, 0] = noise
            variance = variance + chance * (gradient() - full) ** 2
    trunk = variance[:6].sum()
    np.testing.assert_allclose(rows["trunk"].predicted, trunk, rtol=1e-4)
    assert rows["trunk"].elements == 6 and rows["head"].elements == 7
    np.testing.assert_allclose(rows["head"].predicted, 0, atol=1e-12)
    np.testing.assert_allclose(
        logs["gradient_noise_predicted"], [trunk], rtol=1e-4
    )


def test_the_measured_variance_is_the_predicted_one():
    # One mask for the batch, of blocks of positions and channels.
    model = network(
        rate=0.7, granularity="element", per_sample=False, block_size=(2, 1)
    )
    rows, logs = probed(model, num_draws=150)
    for name in ("trunk", "all"):
        row = rows[name]
        assert 0 < row.error < 0.25 * row.measured
        assert abs(row.measured - row.predicted) < 4 * row.error
    assert rows["head"].measured < 1e-9 * rows["trunk"].measured
    assert logs["gradient_noise_measured"] == [rows["all"].measured]


def test_what_else_is_random_is_held_and_training_goes_on_as_without():
    def trained(**arguments):
        # Another mask, dropout, and statistics of the batch.
        model = network(
            keras.layers.Dropout(0.5, seed=2),
            BackdropMask(0.5, "channel", name="other", seed=3),
            keras.layers.BatchNormalization(),
        )
        model.compile("adam", "mse", metrics=["mae"])
        callbacks = []
        if arguments:
            callbacks.append(GradientNoiseProbe(X, Y, **arguments))
        logs = model.fit(
            X, Y, epochs=2, verbose=0, shuffle=False, callbacks=callbacks
        ).history
        return model, logs, *callbacks

    model, logs, probe = trained(layer_name="mask", num_draws=150, every=2)
    trunk, *_, head, total = probe.rows
    assert trunk.name.endswith("trunk") and head.name.endswith("head")
    assert abs(trunk.measured - trunk.predicted) < 4 * trunk.error
    assert head.measured < 1e-9 * trunk.measured

    plain, plain_logs = trained()
    for found, want in zip(model.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), want.numpy())
    assert logs["gradient_noise_measured"] == [total.measured]
    for name in plain_logs:
        assert logs[name] == plain_logs[name]


def test_the_rate_of_the_moment_is_the_one_that_counts():
    model = network()
    model.run_eagerly = True
    model.get_layer("mask").rate.assign(0.0)
    rows, _ = probed(model, num_draws=2)
    assert rows["all"].predicted == 0
    assert rows["all"].measured < 1e-12


@pytest.mark.parametrize(
    ("masks", "arguments", "words"),
    [
        ([], {}, "holds one keras_bp.layers.BackdropMask;.*with \\[\\]"),
        ([{"name": "a"}, {"name": "b"}], {}, r"with \['a', 'b'\]"),
        ([{"name": "a"}], {"layer_name": "b"}, "of the name 'b'.*'a'"),
        ([{"scale": "inverse"}], {}, "scale='inverse'"),
        ([{"location": 0}], {}, "location=0"),
        (
            [{"name": "a", "share_key": "k"}, {"name": "b", "share_key": "k"}],
            {"layer_name": "a"},
            "shares its key with no other.*share_key='k' of 'a'",
        ),
    ],
)
def test_models_that_it_cannot_measure_are_refused(masks, arguments, words):
    layers = [BackdropMask(0.5, **settings) for settings in masks]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    x = np.ones((2, 2))
    probe = GradientNoiseProbe(x, x[:, :1], **arguments)
    with pytest.raises(ValueError, match=words):
        model.fit(x, x[:, :1], verbose=0, callbacks=[probe])


def test_a_mask_that_is_called_twice_is_refused():
    mask = BackdropMask(0.5, name="twice")
    inputs = keras.Input((2,))
    h = mask(keras.layers.Dense(2)(mask(keras.layers.Dense(2)(inputs))))
    model = keras.Model(inputs, h)
    model.compile("sgd", "mse")
    x = np.ones((2, 2))
    with pytest.raises(ValueError, match="called once.*'twice', called 2"):
        model.fit(x, x, verbose=0, callbacks=[GradientNoiseProbe(x, x)])


def test_wrong_counts_are_refused():
    with pytest.raises(ValueError, match="num_draws.*2 or greater"):
        GradientNoiseProbe(X, Y, num_draws=1)
    with pytest.raises(ValueError, match="every.*1 or greater"):
        GradientNoiseProbe(X, Y, every=0)
    with pytest.raises(TypeError, match="num_draws.*an integer"):
        GradientNoiseProbe(X, Y, num_draws=math.pi)


def test_other_backends_are_refused_at_once(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="TensorFlow backend.*'jax'"):
        GradientNoiseProbe(X, Y)
