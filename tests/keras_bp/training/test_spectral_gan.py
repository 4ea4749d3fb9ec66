"""A `SpectralGAN`: its term in closed form, in each mode, and from a file."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from tiny_gans import affine_critic, assert_same, bits, random_gan, values

from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.losses.spectral_penalty import SpectralPenalty
from keras_bp.spectral import spectrum
from keras_bp.training import BinaryGAN
from keras_bp.training.spectral_gan import SpectralGAN

MATRIX = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")
X = bits(12)
eagerly = {"run_eagerly": True}


def linear_gan(weight=0.0, rate=0.1, compiled=eagerly, end=None, **arguments):
    """A linear generator that nothing but the term moves."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    generator.set_weights([MATRIX.T, np.zeros(6)])
    if end is not None:
        generator.add(end)
    gan = SpectralGAN(
        generator,
        affine_critic(np.zeros((6, 1), "float32"), np.zeros(1, "float32")),
        likelihood_weight=weight,
        **{"objective": "gan", "critic_schedule": 1, **arguments},
    )
    gan.compile(
        keras.optimizers.SGD(rate), keras.optimizers.SGD(0.0), **dict(compiled)
    )
    return gan


def small(cls=SpectralGAN, end=None, compiled=(), noise=False, **arguments):
    """The GAN of `tiny_gans`, as one of this class."""
    twin = random_gan(end, noise=noise)
    made = {"critic_schedule": 2, "seed": 4, **arguments}
    gan = cls(twin.generator, twin.discriminator, **made)
    gan.compile(
        keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05), **dict(compiled)
    )
    return gan


def fitted(gan, number=12):
    gan.fit(X[:number], batch_size=4, shuffle=False, verbose=0)
    return gan


@pytest.mark.parametrize("weight", [3.0, -3.0])
@pytest.mark.parametrize("end", [None, "neuron"])
def test_a_step_is_the_closed_form_of_a_linear_generator(weight, end):
    # The gradient of log det W'W / 2 is W (W'W)^-1.
    neuron = BinaryNeuron() if end else None
    gan = linear_gan(
        weight, 0.1, end=neuron, jacobian="logit" if end else "auto"
    )
    logs = gan.train_on_batch(X[:4], return_dict=True)
    slope = MATRIX @ np.linalg.inv(MATRIX.T @ MATRIX)
    wanted = MATRIX - 0.1 * weight * slope
    found = gan.generator.get_weights()[0].T
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    log_dets = [np.linalg.slogdet(x.T @ x)[1] for x in (MATRIX, found)]
    assert (log_dets[1] > log_dets[0]) == (weight < 0)
    np.testing.assert_allclose(logs["log_det"], log_dets[0], rtol=1e-5)
    singular = np.linalg.svd(MATRIX, compute_uv=False)
    np.testing.assert_allclose(
        logs["condition"], singular[0] / singular[1], rtol=1e-5
    )


def test_the_likelihood_in_the_logs_is_that_of_the_first_latents():
    gan, twin = linear_gan(seed=3, spectral_batch=3), linear_gan(seed=3)
    logs = gan.train_on_batch(X[:8], return_dict=True)
    twin.latents(8)
    z = np.asarray(twin.latents(8))[:3]
    prior = -0.5 * np.sum(z**2, axis=1).mean() - np.log(2 * np.pi)
    wanted = prior - 0.5 * np.linalg.slogdet(MATRIX.T @ MATRIX)[1]
    np.testing.assert_allclose(logs["log_likelihood"], wanted, rtol=1e-5)


@pytest.mark.parametrize("end", ["bits", "cost"])
def test_without_a_weight_it_is_the_step_of_a_binary_gan(end):
    def made(cls, **arguments):
        node = StochasticNode("bernoulli", "disarm", seed=1)
        end_layer = node if end == "cost" else None
        gan = small(cls, end_layer, compiled=eagerly, **arguments)
        # The latents of each class are others.
        gan.seed_generator.state.assign([5, 0])
        return values(fitted(gan))

    assert_same(made(SpectralGAN, likelihood_weight=0.0), made(BinaryGAN))


def test_a_penalty_takes_the_place_of_the_likelihood():
    penalty = SpectralPenalty("trace", 0.25)
    gan = linear_gan(0.0, 0.1, penalty=penalty)
    logs = gan.train_on_batch(X[:4], return_dict=True)
    np.testing.assert_allclose(
        logs["spectral_penalty"], 0.25 * np.sum(MATRIX**2), rtol=1e-5
    )
    assert "log_det" not in logs
    np.testing.assert_allclose(
        gan.generator.get_weights()[0].T, (1 - 0.05) * MATRIX, rtol=1e-5
    )
    both = linear_gan(1.0, penalty=penalty)
    logs = both.train_on_batch(X[:4], return_dict=True)
    assert {"spectral_penalty", "log_det"} <= set(logs)


def test_the_term_comes_now_and_then_with_the_weight_of_the_others():
    gan = linear_gan(3.0, 0.1, spectral_every=3)
    history = fitted(gan).history.history
    slope = MATRIX @ np.linalg.inv(MATRIX.T @ MATRIX)
    found = gan.generator.get_weights()[0].T
    np.testing.assert_allclose(found, MATRIX - 0.9 * slope, atol=1e-5)
    log_det = np.linalg.slogdet(MATRIX.T @ MATRIX)[1]
    np.testing.assert_allclose(history["log_det"], [log_det], rtol=1e-5)
    # Three batches have passed: of the next two none is due but the first.
    assert np.isfinite(fitted(gan, 4).history.history["log_det"]).all()
    assert np.isnan(fitted(gan, 4).history.history["log_det"]).all()


@pytest.mark.parametrize(
    ("weight", "compiled"),
    [
        pytest.param(-0.1, {}, id="graph"),
        pytest.param(
            0.0, {"jit_compile": True}, id="xla", marks=pytest.mark.slow
        ),
    ],
)
def test_each_way_to_execute_gives_the_same_weights(weight, compiled):
    def trained(compiled):
        gan = linear_gan(
            weight,
            compiled=compiled,
            penalty=SpectralPenalty("trace", 0.1),
            spectral_every=2,
            critic_schedule=2,
            seed=1,
        )
        gan.discriminator.set_weights([np.ones((6, 1)), np.ones(1)])
        gan.discriminator_optimizer.learning_rate = 0.1
        return values(fitted(gan, 8))

    # With the counter of latents, which are drawn in the steps of both.
    for a, b in zip(trained(eagerly), trained(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_xla_needs_a_constant_schedule():
    gan = small(critic_schedule=None, compiled={"jit_compile": True})
    with pytest.raises(ValueError, match="a constant `critic_schedule` under"):
        gan.train_on_batch(X[:4])
    # What is automatic on an accelerator leaves such a schedule its loop.
    assert small(critic_schedule=None).jit_compile is False


def test_float16_is_refused():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = small(compiled=eagerly)
        with pytest.raises(TypeError, match="float16"):
            gan.train_on_batch(X[:4])
    finally:
        keras.config.set_dtype_policy(before)


def test_the_jacobian_is_of_logits_probabilities_or_outputs():
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    made = {
        name: small(jacobian=name).jacobian_model()
        for name in ("auto", "logit", "probability")
    }
    logits = np.asarray(made["logit"](z))
    np.testing.assert_array_equal(made["auto"](z), logits)
    sigmoid = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(made["probability"](z), sigmoid, rtol=1e-5)
    real = small(end=keras.layers.Activation("sigmoid"))
    assert real.jacobian_model() is real.generator


def test_the_slope_of_probabilities_is_that_of_the_time():
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    gan = small(jacobian="probability")
    model = gan.jacobian_model()
    before = np.asarray(model(z))
    gan.generator.layers[-1].slope.assign(3.0)
    odds = before / (1 - before)
    np.testing.assert_allclose(model(z), odds**3 / (1 + odds**3), rtol=1e-4)


def test_batch_normalization_is_in_inference_mode_in_the_term():
    gan = small(likelihood_weight=1.0)
    norm = gan.generator.layers[1]
    before = norm.moving_mean.numpy()
    z = gan.latents(4)
    gan.generator_term(z)
    np.testing.assert_array_equal(norm.moving_mean, before)
    _, logs = gan.generator_term(z)
    wanted = np.log(spectrum(gan.jacobian_model(), z)).sum(axis=1).mean()
    np.testing.assert_allclose(logs["log_det"], wanted, rtol=1e-4)


def test_evaluation_shows_the_spectrum_too():
    gan = linear_gan(1.0)
    found = gan.evaluate(X, verbose=0, return_dict=True)
    log_det = np.linalg.slogdet(MATRIX.T @ MATRIX)[1]
    np.testing.assert_allclose(found["log_det"], log_det, rtol=1e-5)


@pytest.mark.slow
def test_training_goes_on_from_a_file_as_if_uninterrupted(tmp_path):
    def made():
        return small(
            likelihood_weight=-0.1,
            penalty=SpectralPenalty("trace", 0.1, probes=1, seed=5),
            jacobian="probability",
            spectral_batch=3,
            spectral_every=2,
            ridge=0.01,
            compiled=eagerly,
        )

    path = tmp_path / "gan.keras"
    gan = fitted(made(), 4)
    gan.save(path)
    again = keras.models.load_model(path)
    assert isinstance(again, SpectralGAN)
    for name in (
        "likelihood_weight",
        "jacobian",
        "spectral_batch",
        "spectral_every",
        "ridge",
    ):
        assert getattr(again, name) == getattr(gan, name)
    assert again.penalty.get_config() == gan.penalty.get_config()
    assert_same(values(gan), values(again))
    # The second of these batches has the term, and new probes.
    whole = fitted(fitted(made(), 4), 8)
    assert_same(values(fitted(again, 8)), values(whole))


@pytest.mark.slow
def test_two_replicas_train_as_one(two_replicas):
    def trained(compiled):
        gan = linear_gan(2.0, 0.1, compiled=compiled, spectral_every=2)
        data = tf.data.Dataset.from_tensor_slices(X[:8]).batch(8)
        gan.fit(data, shuffle=False, verbose=0)
        return gan.generator.get_weights()

    one = trained(eagerly)
    with two_replicas.scope():
        two = trained({})
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_other_dtypes_train(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = small(likelihood_weight=-0.1, compiled=eagerly)
        kernel = gan.generator.layers[0].kernel
        first = ops.convert_to_numpy(kernel)
        history = fitted(gan, 4).history.history
        assert all(np.isfinite(x).all() for x in history.values())
        assert not np.array_equal(first, kernel)
    finally:
        keras.config.set_dtype_policy(before)


def test_bad_arguments_are_refused():
    for arguments, words in (
        ({"likelihood_weight": np.inf}, "`likelihood_weight` to be a finite"),
        ({"jacobian": "pixel"}, "`jacobian` to be one of"),
        ({"spectral_batch": 0}, "`spectral_batch` to be 1 or"),
        ({"spectral_every": 0}, "`spectral_every` to be 1 or"),
        ({"ridge": -1.0}, "`ridge` to be zero or"),
        ({"objective": "em"}, "`objective` to be one of"),
    ):
        with pytest.raises(ValueError, match=f"SpectralGAN expects {words}"):
            small(**arguments)
    with pytest.raises(TypeError, match="SpectralGAN expects `penalty`"):
        small(penalty="isometry")
    wide = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6)])
    critic = affine_critic(np.zeros((6, 1)), np.zeros(1))
    with pytest.raises(ValueError, match="no more latent dim.*8 latent dim"):
        SpectralGAN(wide, critic)
    with pytest.raises(ValueError, match="last layer"):
        linear_gan(jacobian="logit")


def test_a_small_singular_value_keeps_its_likelihood_and_its_gradient():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    kernel = np.array([[1.0, 0.0, 0.0], [0.0, 1e-4, 0.0]], "float32")
    generator.set_weights([kernel, np.zeros(3)])
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    gan = SpectralGAN(generator, critic, likelihood_weight=1.0)
    z = tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        term, logs = gan._term(z)
    slope = tape.gradient(term, generator.trainable_variables[0].value)
    wanted = -np.log(2 * np.pi) - np.log(1e-4)
    np.testing.assert_allclose(logs["log_likelihood"], wanted, rtol=1e-3)
    np.testing.assert_allclose(logs["condition"], 1e4, rtol=1e-3)
    np.testing.assert_allclose(slope[1], [0, 1e4, 0], rtol=1e-3, atol=1)
