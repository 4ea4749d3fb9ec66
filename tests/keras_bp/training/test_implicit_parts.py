"""Parts of implicit steps, each against what it has to be."""

import keras
import numpy as np
import pytest
from implicit_steps import moved, settle
from keras import layers

from keras_bp.training import make_implicit
from keras_bp.training._implicit_layers import factors
from keras_bp.training._implicit_record import Call

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
Y = RNG.normal(size=(6, 2)).astype("float32")


def net(*hidden, features=4):
    return keras.Sequential([keras.Input((features,)), *hidden])


def explicit(model, x, y, rate, loss="mse"):
    """How far a step of plain SGD moves the weights."""
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(rate), loss, run_eagerly=True)
    model.train_on_batch(x, y)
    after = model.get_weights()
    model.set_weights(before)
    return [a - b for a, b in zip(after, before, strict=True)]


def test_a_truncated_step_ends_where_the_linear_model_is_zero():
    model = net(layers.Dense(2))
    model.compile(loss="mse")
    loss = model.evaluate(X, Y, verbose=0)
    gradient = explicit(model, X, Y, 1.0)
    square = sum(np.sum(g**2) for g in gradient)
    for found, g in zip(
        moved(model, X, Y, 1e4, "truncated"), gradient, strict=True
    ):
        np.testing.assert_allclose(found, loss / square * g, rtol=1e-4)


def test_smoothed_labels_are_the_labels_that_are_wanted():
    model = net(layers.Dense(3, activation="softmax"))
    kept = model.get_weights()
    labels = np.eye(3, dtype="float32")[np.arange(6) % 3]
    smoothed = moved(
        model,
        X,
        labels,
        20.0,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.3),
    )
    model.set_weights(kept)
    plain = moved(
        model, X, 0.7 * labels + 0.1, 20.0, loss="categorical_crossentropy"
    )
    for a, b in zip(smoothed, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


def measured(model, loss, y, **arguments):
    """The curvatures of a model after one step."""
    model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
    trained = make_implicit(model, seed=0)
    optimizer = keras.optimizers.SGD(1e-6)
    trained.compile(optimizer, loss, run_eagerly=True, **arguments)
    trained.train_on_batch(X, y)
    return {
        layer.name: float(value)
        for layer, value in trained.trained_implicitly()
    }


@pytest.fixture
def two_outputs():
    inputs = keras.Input((4,))
    hidden = layers.Dense(3, activation="tanh", name="hidden")(inputs)
    one = layers.Dense(2, name="one")(hidden)
    return inputs, one, layers.Dense(2, name="two")(hidden)


def test_each_output_bends_the_loss_by_its_weight(two_outputs):
    inputs, one, two = two_outputs
    both = keras.Model(inputs, [one, two])
    alone = measured(keras.Model(inputs, one), "mse", Y)
    found = [
        measured(both, ["mse", "mse"], [Y, Y], loss_weights=[1.0, weight])
        for weight in (0.0, 100.0, 400.0)
    ]
    assert found[0]["hidden"] == pytest.approx(alone["hidden"], rel=1e-4)
    # The weight of the second one outgrows the first.
    assert found[1]["hidden"] > 10 * found[0]["hidden"]
    assert found[2]["hidden"] == pytest.approx(4 * found[1]["hidden"], rel=0.3)


def test_curvature_is_a_mean_with_a_memory_of_nine_tenths():
    model = net(layers.Dense(2))
    trained = make_implicit(model, seed=0)
    trained.compile(keras.optimizers.SGD(1e-6), "mse")
    trained.train_on_batch(X, Y)
    ((_, value),) = trained.trained_implicitly()
    new = float(value)
    value.assign(3.0)
    trained.train_on_batch(X, Y)
    # One dense layer and a square: each measurement gives nearly the same.
    assert float(value) == pytest.approx(0.9 * 3.0 + 0.1 * new, rel=0.05)


def test_the_scale_multiplies_the_curvature():
    model = net(layers.Dense(3, "tanh"), layers.Dense(2))
    kept, found = model.get_weights(), []
    for scale, curvature in ((5.0, 0.4), (20.0, 0.1)):
        model.set_weights(kept)
        trained = make_implicit(model, curvature_scale=scale, seed=0)
        trained.compile(keras.optimizers.SGD(10.0), "mse", run_eagerly=True)
        settle(trained, curvature)
        trained.train_on_batch(X, Y)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_rows_of_an_embedding_are_damped_by_how_often_they_are_met():
    model = keras.Sequential(
        [keras.Input((2,), dtype="int32"), layers.Embedding(4, 3)]
    )
    x = np.array([[0, 0], [0, 1], [2, 2]])
    y = RNG.normal(size=(3, 2, 3)).astype("float32")
    plain = explicit(model, x, y, 7.0)[0]
    found = moved(model, x, y, 7.0, "dual")[0]
    # The curvature is 0.1 times 20; the loss has 6 terms.
    damping = 1 + 7.0 * 2.0 * np.array([3, 1, 2, 0]) / 6
    np.testing.assert_allclose(found, plain / damping[:, None], rtol=1e-4)


def test_scales_of_normalization_are_damped_by_their_variance():
    model = net(layers.BatchNormalization(epsilon=0.5))
    y = RNG.normal(size=(6, 4)).astype("float32")
    plain = explicit(model, X, y, 7.0)
    found = moved(model, X, y, 7.0, "dual")
    variance = X.var(0)
    gamma = 1 + 7.0 * 2.0 * variance / (variance + 0.5)
    np.testing.assert_allclose(found[0], plain[0] / gamma, rtol=1e-3)
    np.testing.assert_allclose(found[1], plain[1] / (1 + 14.0), rtol=1e-3)


def recurrent_rows(batch, steps):
    layer = layers.SimpleRNN(2, use_bias=False)
    layer.build((batch, steps, 3))
    inputs = np.ones((batch, steps, 3), "float32")
    states = RNG.normal(size=(batch, steps, 2)).astype("float32")
    call = Call(inputs, None, states)
    seed = keras.random.SeedGenerator(0)
    return states, factors(layer, [call], None, seed)


def test_recurrent_weights_meet_the_state_before():
    states, (_, found) = recurrent_rows(2, 3)
    before = np.concatenate([np.zeros((2, 1, 2)), states[:, :-1]], 1)
    np.testing.assert_allclose(found.joined(), before.reshape(6, 2))


def test_a_sample_of_rows_has_the_size_of_all():
    _, (found, _) = recurrent_rows(20, 40)
    assert found.sampled and found.joined().shape == (512, 3)
    gram = np.transpose(found.joined()) @ np.asarray(found.joined())
    np.testing.assert_allclose(gram, np.full((3, 3), 800.0), rtol=1e-5)


def test_half_precision_solves_in_single():
    model = net(layers.Dense(2))
    kept = model.get_weights()
    want = moved(model, X, Y, 3e4, "dual")
    try:
        keras.mixed_precision.set_global_policy("mixed_float16")
        half = net(layers.Dense(2))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    half.set_weights(kept)
    # Squares of features times this rate are beyond float16.
    found = moved(half, X, Y, 3e4, "dual")
    for a, b in zip(found, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=0.02)
