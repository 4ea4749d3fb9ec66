import keras
import numpy as np
import pytest
from keras import layers, ops
from lagrangian_toys import assert_close, examples, net, values_of
from local_models import (
    CROSS_ENTROPY,
    FEATURES,
    X,
    Y,
    compiled,
    gradients,
    images,
    small,
    true_gradients,
)

from keras_bp.training import DifferenceTargetPropagationModel

NAME = "difference_target_propagation"


def square(depth, activation=None, size=3):
    """A chain of invertible layers, and their exact inverses."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((size,))])
    decoders = []
    for _ in range(depth):
        layer = layers.Dense(size, activation=activation, use_bias=False)
        model.add(layer)
        kernel = np.eye(size) + 0.3 * rng.normal(size=(size, size))
        layer.set_weights([kernel.astype("float32")])
        inverse = layers.Dense(size, use_bias=False)
        before = layers.Activation(ops.arctanh if activation else "linear")
        decoders.append(
            keras.Sequential([keras.Input((size,)), before, inverse])
        )
        inverse.set_weights([np.linalg.inv(kernel).astype("float32")])
    model.add(layers.Dense(2, use_bias=False))
    return model, decoders[1:]


def test_with_exact_inverses_the_targets_are_a_gauss_newton_step():
    model, decoders = square(3)
    trained = compiled(
        DifferenceTargetPropagationModel(model, decoders, target_rate=0.5)
    )
    x, y = X[:, :3], Y % 2
    targets = trained.targets(x, y)
    # One hidden layer is moved as if the others stayed: the least squares
    # solution of what the last one should change by.
    *_, third, last = (np.asarray(w) for w in model.get_weights())
    second = np.asarray(model.get_weights()[1])
    logits = np.asarray(model(x))
    error = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    wanted = -0.5 * error @ last.T
    for (h, target), jacobian in zip(
        targets, (second @ third, third, np.eye(3)), strict=True
    ):
        step = np.linalg.lstsq(jacobian.T, wanted.T, rcond=None)[0].T
        np.testing.assert_allclose(target - h, step, rtol=1e-3, atol=1e-5)


def test_to_first_order_so_are_those_of_curved_layers():
    model, decoders = square(2, "tanh")
    x, y = 0.3 * X[:, :3], Y % 2
    rate = 1e-2
    trained = compiled(
        DifferenceTargetPropagationModel(model, decoders, target_rate=rate)
    )
    (h, target), (upper, last) = (
        [np.asarray(t) for t in pair] for pair in trained.targets(x, y)
    )
    kernel = np.asarray(model.layers[1].kernel)
    for i, change in enumerate(last - upper):
        jacobian = (1 - upper[i] ** 2)[:, None] * kernel.T
        expected = np.linalg.solve(jacobian, change)
        np.testing.assert_allclose(
            target[i] - h[i], expected, rtol=0.05, atol=1e-5
        )


@pytest.mark.parametrize("rate", [0.01, 2.0])
def test_a_layer_goes_toward_its_target_and_the_last_by_backpropagation(rate):
    trained = small(NAME, target_rate=rate)
    found = gradients(trained, X, Y)
    # Two weights of decoders come last.
    assert len(found) == 8
    true = true_gradients(trained, X, Y)
    assert_close(found[2:6], true[2:6], rtol=1e-3, atol=1e-5)
    assert not np.allclose(found[0], true[0], rtol=0.1)
    # Descent on the squared distance to the target, by the rate and two.
    (h, target), _ = trained.targets(X, Y)
    slope = np.asarray((h - target) / (rate * len(Y))) * (1 - np.square(h))
    assert_close([found[0]], [X.T @ slope], rtol=1e-3, atol=1e-5)


def test_no_derivative_crosses_a_layer():
    trained = small(NAME)
    decoder = trained.decoders[0]
    decoder.set_weights([0 * w for w in decoder.get_weights()])
    assert np.any(true_gradients(trained, X, Y)[0])
    # What is above says nothing but by its decoder.
    assert not np.any(gradients(trained, X, Y)[0])


def test_decoders_learn_to_reconstruct_and_nothing_else_trains_them():
    trained = small(NAME, "graph", keras.optimizers.SGD(0.0))
    trained.compile(
        keras.optimizers.SGD(0.0),
        CROSS_ENTROPY,
        decoder_optimizer=keras.optimizers.Adam(0.1),
    )
    weights = values_of(trained.model.trainable_variables)
    x, y = examples(64, (FEATURES,))
    history = trained.fit(x, y, epochs=30, batch_size=32, verbose=0).history
    found = history["reconstruction"]
    assert found[-1] < 0.2 * found[0]
    for a, b in zip(
        weights, values_of(trained.model.trainable_variables), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert "reconstruction" not in trained.evaluate(
        x, y, verbose=0, return_dict=True
    )


def test_noise_is_drawn_anew_and_decoders_see_it():
    quiet, noisy = small(NAME, noise=0.0), small(NAME, noise=0.5)
    a, b = gradients(quiet, X, Y), gradients(noisy, X, Y)
    assert_close(a[:6], b[:6])
    assert not np.allclose(a[6], b[6], rtol=0.1)
    noisy.train_on_batch(X, Y)
    first = values_of(noisy.trainable_variables)[6]
    again = small(NAME, noise=0.5)
    again.seed_generator.state.assign(noisy.seed_generator.state)
    again.train_on_batch(X, Y)
    assert not np.allclose(first, values_of(again.trainable_variables)[6])


def test_decoders_of_their_own_optimizer_are_saved_with_it(tmp_path):
    keras.utils.set_random_seed(0)
    decoder = keras.Sequential(
        [keras.Input((4,)), layers.Dense(7, "tanh"), layers.Dense(5)]
    )
    model = DifferenceTargetPropagationModel(
        net(5, 4, shape=(FEATURES,)), [decoder], seed=0
    )
    model.compile(
        keras.optimizers.Adam(0.1),
        CROSS_ENTROPY,
        decoder_optimizer=keras.optimizers.Adam(0.01),
    )
    model.train_on_batch(X, Y)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert len(again.decoder_optimizer.variables) == 2 + 2 * 4
    for each in (model, again):
        each.train_on_batch(X, Y)
    for variables in (
        "variables",
        "optimizer.variables",
        "decoder_optimizer.variables",
    ):
        found = []
        for value in (model, again):
            for part in variables.split("."):
                value = getattr(value, part)
            found.append(values_of(value))
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_default_decoders_fit_images_and_what_is_pooled():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((9, 7, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Conv2D(3, 2, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="relu"),
            layers.Dense(3),
        ]
    )
    trained = compiled(DifferenceTargetPropagationModel(model, seed=0))
    shapes = [u.shape for u in trained.graph.unknowns]
    assert shapes == [(7, 5, 2), (3, 2, 3), (8,), (5,)]
    kinds = [
        [type(layer).__name__ for layer in x.layers] for x in trained.decoders
    ]
    assert kinds == [
        ["UpSampling2D", "Cropping2D", "Conv2D"],
        ["Dense", "Reshape"],
        ["Dense"],
    ]
    x, y = examples(4, (9, 7, 1))
    assert all(np.any(g) for g in gradients(trained, x, y))


def test_what_it_cannot_train_is_named():
    make = DifferenceTargetPropagationModel
    inputs = keras.Input((FEATURES,))
    lower = layers.Dense(5)(inputs)
    upper = layers.Dense(4)(layers.Dense(4)(lower))
    both = layers.Concatenate()([lower, upper])
    outputs = layers.Dense(3)(layers.Dense(4)(both))
    with pytest.raises(ValueError, match="^Difference.*a chain of layers"):
        make(keras.Model(inputs, outputs))
    # A sum with what a layer reads is one layer.
    make(images())
    with pytest.raises(ValueError, match="^Difference.*recurrent"):
        make(net(layers.SimpleRNN(3), shape=(4, 2)))
    plain = net(5, 4, shape=(FEATURES,))
    with pytest.raises(ValueError, match=r"\['dense.*0 decoders"):
        make(plain, [])
    with pytest.raises(ValueError, match=r"\(4,\) to \(5,\).*to \(6,\)"):
        make(plain, [layers.Dense(6)])
    with pytest.raises(TypeError, match="Keras layers.*list"):
        make(plain, [[]])
    with pytest.raises(ValueError, match="float32.*bfloat16"):
        make(plain, [layers.Dense(5, dtype="mixed_bfloat16")])
    for name in ("target_rate", "noise"):
        with pytest.raises(ValueError, match=f"`{name}`"):
            make(plain, **{name: -1.0})


@pytest.mark.parametrize("reduction", ["sum", None])
def test_a_loss_that_is_no_mean_is_refused(reduction):
    model = DifferenceTargetPropagationModel(net(3, 3))
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    with pytest.raises(
        ValueError, match="PropagationModel expects losses that"
    ):
        model.compile("sgd", loss=loss)
