"""Scores of two classes, and what losses on them are compared with."""

import keras
import numpy as np
import tensorflow as tf

PHI = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "hinge": lambda z: np.maximum(z, 0.0),
    "squared": np.square,
    "logistic": lambda z: np.logaddexp(0.0, z),
}


def problem(rng, size=40, labels=1, ties=False):
    """Labels, scores and weights `(size, labels)` or `(size,)`, float64."""
    shape = (size, labels) if labels > 1 else (size,)
    scores = rng.normal(size=shape)
    y = (scores + rng.normal(size=shape) > 0.8).astype("float64")
    # Two of each class at least.
    y[:4] = np.reshape([0, 1, 0, 1], (4,) + (1,) * (y.ndim - 1))
    if ties:
        scores = np.round(2 * scores) / 2
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], size=size)
    weight[:4] = 1.0
    return y, scores, weight


def double_loop(y, scores, weight, surrogate, scale, margin):
    """The mean over pairs, by its definition."""
    total = share = 0.0
    for i in np.flatnonzero(y > 0.5):
        for j in np.flatnonzero(y <= 0.5):
            z = margin - scale * (scores[i] - scores[j])
            total += weight[i] * weight[j] * PHI[surrogate](z)
            share += weight[i] * weight[j]
    return total / share


def check_gradient(rng, function, x, step=1e-6):
    """Compares the gradient with central differences, in one direction."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(function(x))
    found = tape.gradient(value, x)
    d = rng.normal(size=x.shape)
    up, down = (
        tf.reduce_sum(function(x + sign * step * d)) for sign in (1, -1)
    )
    np.testing.assert_allclose(
        np.sum(found * d), (up - down) / (2 * step), rtol=1e-5, atol=1e-9
    )


def check_stable(losses, compiled=lambda function: function):
    """Values and gradients are finite at extreme scores of any precision."""
    y = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0], "float32")

    def run(scores):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(scores)
            values = [loss(y, scores) for loss in losses]
        return values, [tape.gradient(value, scores) for value in values]

    # Squares of the largest have no place in float32.
    for run_it, dtype, top in (
        (compiled(run), "float16", 6e4),
        (run, "bfloat16", 1e15),
    ):
        scores = tf.cast([top, -top, 0.0, 0.0, top, -top], dtype)
        values, gradients = run_it(scores)
        for value, gradient in zip(values, gradients, strict=True):
            assert value.dtype == "float32" and gradient.dtype == dtype
            assert np.isfinite(value)
            assert np.isfinite(tf.cast(gradient, "float32")).all()


def check_half(rng, loss):
    """Half precision changes the scores, not the sums."""
    y, scores, weight = problem(rng, 300)
    for dtype in ("float16", "bfloat16"):
        half = tf.cast(scores, dtype)
        wanted = loss(y, tf.cast(half, "float32"), weight)
        np.testing.assert_array_equal(loss(y, half, weight), wanted)


def check_labels(rng, make):
    """Each label is a problem of its own; some are none, and count not."""
    y, scores, weight = problem(rng, 30, labels=4)
    y[:, 1], y[:, 3] = 0.0, (np.arange(30) == 7)
    weight[7] = 0.0
    wanted = [make()(y[:, k], scores[:, k], weight) for k in (0, 2)]
    each = make(reduction=None)(y, scores, weight)
    np.testing.assert_allclose(each, [wanted[0], 0, wanted[1], 0], rtol=1e-5)
    found = make()(y, scores, weight[:, None])
    np.testing.assert_allclose(found, np.mean(wanted), rtol=1e-5)
    # A weight per label; one label has none at all.
    masked = np.tile(weight[:, None], 4)
    masked[:, 1] = 0.0
    found = make(reduction="sum")(y, scores, masked)
    np.testing.assert_allclose(found, np.sum(wanted), rtol=1e-5)
    assert float(make()(y[:, 1], scores[:, 1])) == 0.0
    x = tf.constant(scores, "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = make()(y, x, masked)
    gradient = tape.gradient(value, x).numpy()
    assert np.isfinite(gradient).all() and not gradient[:, [1, 3]].any()
    assert gradient[:, [0, 2]].any(axis=0).all()


def network(features, labels, loss, **compile_arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((features,)), keras.layers.Dense(labels)]
    )
    model.compile(keras.optimizers.Adam(0.05), loss, **compile_arguments)
    return model


def check_trains(rng, make, jit_compile=False):
    """Loss of `fit` with weights and several labels, and a smaller batch."""
    x = rng.normal(size=(50, 3)).astype("float32")
    y = (x[:, :2] + rng.normal(size=(50, 2)) > 0.7).astype("float32")
    weight = rng.uniform(0.5, 2.0, size=50).astype("float32")
    model = network(3, 2, make(), jit_compile=jit_compile)
    wanted = make()(y, model(x), weight)
    found = model.fit(
        x, y, 50, epochs=5, sample_weight=weight, verbose=0
    ).history["loss"]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4)
    assert found[-1] < found[0]
    # Without a reduction, and of one label without its axis.
    model = network(3, 1, make(reduction=None), run_eagerly=True)
    found = model.fit(x, y[:, 0], 30, verbose=0).history["loss"]
    assert np.isfinite(found).all()


def loss_with_class_weight(loss):
    """The loss of `fit` before its first step, without and with weights."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3)).astype("float32")
    y = (x[:, 0] > 0.5).astype("int32")
    return [
        network(3, 1, loss, run_eagerly=True)
        .fit(x, y, 40, class_weight=given, verbose=0)
        .history["loss"][0]
        for given in (None, {0: 1.0, 1: 5.0})
    ]


def check_saves(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    rng = np.random.default_rng(2)
    y, scores, _ = problem(rng)
    np.testing.assert_array_equal(again(y, scores), loss(y, scores))
    return again.get_config()
