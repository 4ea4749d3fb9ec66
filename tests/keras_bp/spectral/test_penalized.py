import keras
import numpy as np
import pytest
import tensorflow as tf
from small_generators import linear, smooth

from keras_bp.losses.spectral_penalty import SpectralPenalty
from keras_bp.spectral.penalized import Penalized

RNG = np.random.default_rng(0)
X = np.random.default_rng(1).normal(size=(12, 5)).astype("float32")


def encoder(dtype=None):
    return keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(3, "tanh", dtype=dtype)]
    )


def autoencoder(penalty, compiled=(), dtype=None, decoder=None):
    decoder = decoder or smooth(3, 5, dtype=dtype)
    model = keras.Sequential([encoder(dtype), Penalized(decoder, penalty)])
    model.compile(keras.optimizers.SGD(0.01), "mse", **dict(compiled))
    return model


def test_it_returns_what_the_model_makes_and_adds_the_penalty_in_training():
    model, z = smooth(3, 5), X[:, :3]
    penalty = SpectralPenalty("trace", 0.5)
    layer = Penalized(model, penalty)
    np.testing.assert_array_equal(layer(z), model(z))
    assert layer.losses == []
    np.testing.assert_array_equal(layer(z, training=True), model(z))
    (loss,) = layer.losses
    np.testing.assert_allclose(loss, penalty(model, z), rtol=1e-6)
    assert layer.compute_output_shape((7, 3)) == (7, 5)
    few = Penalized(model, penalty, samples=2)
    few(z, training=True)
    np.testing.assert_allclose(few.losses[0], penalty(model, z[:2]), rtol=1e-6)


def test_losses_of_the_model_count_once():
    decoder = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(5, kernel_regularizer="l2"),
            keras.layers.ActivityRegularization(l2=0.1),
        ]
    )
    plain = decoder(X[:, :3], training=True)
    wanted = sum(map(float, decoder.losses))
    layer = Penalized(decoder, SpectralPenalty("trace"))
    np.testing.assert_array_equal(layer(X[:, :3], training=True), plain)
    total = sum(map(float, layer.losses))
    penalty = float(SpectralPenalty("trace")(decoder, X[:, :3]))
    np.testing.assert_allclose(total, wanted + penalty, rtol=1e-5)


@pytest.mark.parametrize("target", ["log_det", "isometry"])
def test_a_step_goes_down_the_gradient_of_both(target):
    penalty = SpectralPenalty(target, 0.3)
    model = autoencoder(penalty, {"run_eagerly": True})
    first, decoder = model.layers[0], model.layers[1].model
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        z = first(X)
        loss = tf.reduce_mean((decoder(z) - X) ** 2) + penalty(decoder, z)
    gradients = tape.gradient(loss, [w.value for w in weights])
    before = [w.numpy() for w in weights]
    found = model.train_on_batch(X, X)
    np.testing.assert_allclose(found, loss, rtol=1e-5)
    for w, b, g in zip(weights, before, gradients, strict=True):
        g = np.zeros_like(b) if g is None else g
        np.testing.assert_allclose(w.numpy(), b - 0.01 * g, atol=1e-6)


def test_a_graph_and_xla_give_the_same_weights():
    def trained(**compiled):
        keras.utils.set_random_seed(1)
        decoder = linear(np.eye(5, 3) + 0.1)
        penalty = SpectralPenalty("log_det", 0.1)
        model = autoencoder(penalty, compiled, decoder=decoder)
        model.fit(X, X, batch_size=6, shuffle=False, verbose=0)
        return model.get_weights()

    for a, b in zip(trained(), trained(jit_compile=True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_batch_of_another_size_is_welcome():
    decoder = linear(np.eye(5, 3) + 0.1)
    model = autoencoder(SpectralPenalty("condition", 0.1), decoder=decoder)
    history = model.fit(X, X, batch_size=5, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_an_isometry_is_learned_in_bfloat16():
    decoder = linear(RNG.normal(size=(5, 3)), dtype="mixed_bfloat16")
    penalty = SpectralPenalty("isometry", 1.0)
    model = autoencoder(penalty, dtype="mixed_bfloat16", decoder=decoder)
    z = np.zeros((1, 3), "float32")
    before = float(penalty(decoder, z))
    model.fit(X, X, batch_size=4, epochs=20, verbose=0)
    assert float(penalty(decoder, z)) < 0.1 * before


def test_a_saved_model_goes_on_with_its_probes(tmp_path):
    penalty = SpectralPenalty("trace", 0.1, probes=2, seed=1)
    model = autoencoder(penalty)
    model.fit(X, X, batch_size=6, shuffle=False, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    layer = again.layers[1]
    assert layer.penalty.get_config() == penalty.get_config()
    np.testing.assert_allclose(model(X), again(X), rtol=1e-6, atol=1e-6)
    assert layer.count_params() == model.layers[1].count_params() == 95
    for each in (model, again):
        each.fit(X, X, batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_weights_are_those_of_the_model():
    decoder = linear(np.eye(5, 3))
    model = autoencoder(SpectralPenalty("trace", 0.1), decoder=decoder)
    assert len(model.trainable_variables) == 4
    before = decoder.get_weights()[0]
    model.fit(X, X, verbose=0)
    assert not np.array_equal(decoder.get_weights()[0], before)


def test_a_model_that_is_not_built_is_built_with_it():
    decoder = keras.Sequential([keras.layers.Dense(5)])
    model = autoencoder(SpectralPenalty("trace"), decoder=decoder)
    assert model.layers[1].count_params() == 20
    assert np.isfinite(model.evaluate(X, X, verbose=0))


def test_replicas_share_the_penalty(two_replicas):
    def trained():
        decoder = linear(np.eye(5, 3))
        model = autoencoder(SpectralPenalty("trace", 0.3), decoder=decoder)
        data = tf.data.Dataset.from_tensor_slices((X, X)).batch(12)
        model.fit(data, shuffle=False, verbose=0)
        return model

    keras.utils.set_random_seed(3)
    one = trained().get_weights()
    keras.utils.set_random_seed(3)
    with two_replicas.scope():
        two = trained().get_weights()
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_bad_arguments_are_refused():
    model, penalty = smooth(3, 5), SpectralPenalty("trace")
    with pytest.raises(TypeError, match="Penalized expects `model` to be a k"):
        Penalized(penalty, model)
    with pytest.raises(TypeError, match="Penalized expects `penalty` to be a"):
        Penalized(model, "isometry")
    with pytest.raises(ValueError, match="Penalized expects `samples`"):
        Penalized(model, penalty, samples=0)
    twice = smooth(3, 5, dtype="mixed_float16")
    layer = Penalized(twice, penalty)
    with pytest.raises(TypeError, match="float16"):
        layer(X[:, :3], training=True)
