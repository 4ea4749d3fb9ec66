"""The losses and steps of `BinaryGAN`, against their formulas."""

import keras
import numpy as np
import pytest
from tiny_gans import (
    BIAS,
    KERNEL,
    OFFSETS,
    affine_critic,
    bits,
    dense_generator,
    known_gan,
    quadratic_critic,
    random_gan,
    values,
)

from keras_bp.callbacks import SlopeAnnealing
from keras_bp.layers import BinaryNeuron, StochasticNode

OBJECTIVES = ("gan", "wgan", "wgan-gp")
each_objective = pytest.mark.parametrize("objective", OBJECTIVES)
eagerly = {"run_eagerly": True}

FAKE = (OFFSETS > 0).astype("float32")
REAL = bits(5, 3)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def logits(samples):
    return (samples @ KERNEL + BIAS)[..., 0]


def norm():
    return np.sqrt(1e-8 + np.sum(KERNEL**2))


def discriminator_loss(objective):
    real, fake = logits(REAL), logits(FAKE)
    if objective == "gan":
        return -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake))
    return fake - real.mean()


def discriminator_gradient(objective, penalty):
    """In the kernel and in the bias."""
    if objective == "gan":
        real, fake = -sigmoid(-logits(REAL)), sigmoid(logits(FAKE))
        kernel = (real[:, None] * REAL).mean(axis=0) + fake * FAKE
        return kernel[:, None], real.mean() + fake
    kernel = (FAKE - REAL.mean(axis=0))[:, None]
    if objective == "wgan-gp":
        kernel = kernel + 2 * penalty * (norm() - 1) * KERNEL / norm()
    return kernel, 0.0


@each_objective
def test_losses_are_those_of_the_objective(objective):
    gan = known_gan(objective=objective, compiled=eagerly)
    before = values(gan)
    found = gan.evaluate(REAL, verbose=0, return_dict=True)
    fake = logits(FAKE)
    generator = -np.log(sigmoid(fake)) if objective == "gan" else -fake
    assert set(found) == {"generator_loss", "discriminator_loss"}
    np.testing.assert_allclose(found["generator_loss"], generator, rtol=1e-5)
    np.testing.assert_allclose(
        found["discriminator_loss"], discriminator_loss(objective), rtol=1e-5
    )
    # The latents were drawn, and that is all that happened.
    changed = [
        not np.array_equal(a, b)
        for a, b in zip(before, values(gan), strict=True)
    ]
    assert sum(changed) == 1


@pytest.mark.parametrize("method", ["evaluate", "fit"])
def test_logs_are_means_over_samples_whatever_the_batches(method):
    gan = known_gan(objective="wgan", clip=9.0, compiled=eagerly)
    # What the critic likes least stands in a smaller batch.
    x = np.zeros((6, 3), "float32")
    x[4:, 1] = 1
    # Without a rate, training leaves all as it is.
    if method == "evaluate":
        found = gan.evaluate(x, batch_size=4, verbose=0, return_dict=True)
    else:
        history = gan.fit(x, batch_size=4, shuffle=False, verbose=0).history
        found = {name: values[-1] for name, values in history.items()}
    loss = logits(FAKE) - logits(x).mean()
    np.testing.assert_allclose(found["discriminator_loss"], loss, rtol=1e-5)


@each_objective
@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_a_critic_step_goes_down_the_gradient_of_its_loss(objective, penalty):
    gan = known_gan(
        discriminator_rate=0.5,
        objective=objective,
        gradient_penalty=penalty,
        clip=0.3,
        compiled=eagerly,
    )
    logs = gan.train_on_batch(REAL, return_dict=True)
    slope, bias_slope = discriminator_gradient(objective, penalty)
    kernel, bias = KERNEL - 0.5 * slope, BIAS - 0.5 * bias_slope
    assert np.abs(kernel).max() > 0.3
    loss = discriminator_loss(objective)
    if objective == "wgan":
        kernel, bias = np.clip(kernel, -0.3, 0.3), np.clip(bias, -0.3, 0.3)
    if objective == "wgan-gp":
        loss += penalty * (norm() - 1) ** 2
        np.testing.assert_allclose(logs["gradient_norm"], norm(), rtol=1e-5)
    assert ("gradient_norm" in logs) == (objective == "wgan-gp")
    found = gan.discriminator.get_weights()
    np.testing.assert_allclose(found[0], kernel, rtol=1e-5)
    np.testing.assert_allclose(found[1], bias, rtol=1e-5)
    np.testing.assert_allclose(logs["discriminator_loss"], loss, rtol=1e-5)


def test_all_weights_are_clipped_after_each_step():
    gan = known_gan(
        objective="wgan",
        clip=0.05,
        discriminator_rate=0.06,
        critic_schedule=3,
        compiled=eagerly,
    )
    gan.train_on_batch(REAL)
    slope, _ = discriminator_gradient("wgan", 0.0)
    kernel = KERNEL
    for _ in range(3):
        kernel = np.clip(kernel - 0.06 * slope, -0.05, 0.05)
    once = np.clip(KERNEL - 3 * 0.06 * slope, -0.05, 0.05)
    assert not np.allclose(kernel, once)
    found = gan.discriminator.get_weights()
    np.testing.assert_allclose(found[0], kernel, rtol=1e-5)
    np.testing.assert_allclose(found[1], [0.05], rtol=1e-5)


@each_objective
def test_a_generator_step_goes_down_the_gradient_of_its_loss(objective):
    gan = known_gan(
        generator_rate=2.0, objective=objective, clip=9.0, compiled=eagerly
    )
    logs = gan.train_on_batch(REAL, return_dict=True)
    fake = logits(FAKE)
    upstream = -sigmoid(-fake) if objective == "gan" else -1.0
    p = sigmoid(OFFSETS)
    slope = p * (1 - p) * upstream * KERNEL[:, 0]
    found = gan.generator.get_weights()[1]
    np.testing.assert_allclose(found, OFFSETS - 2.0 * slope, rtol=1e-5)
    loss = -np.log(sigmoid(fake)) if objective == "gan" else -fake
    np.testing.assert_allclose(logs["generator_loss"], loss, rtol=1e-5)


def test_the_penalty_is_taken_between_real_and_fake_at_one_share_each():
    # The gradient of |x|^2 is 2 x, and x is a share of ones.
    number, width = 8000, 3
    gan = known_gan(
        generator=dense_generator([-1.0] * width, BinaryNeuron()),
        discriminator=quadratic_critic(np.eye(width), np.zeros(width)),
        compiled=eagerly,
        seed=1,
    )
    logs = gan.train_on_batch(np.ones((number, width)), return_dict=True)
    length = 2 * np.sqrt(width)
    error = length * np.sqrt(1 / 12 / number)
    # With a share for each bit it is 20 errors above.
    assert abs(logs["gradient_norm"] - length / 2) < 4 * error
    penalty = (logs["discriminator_loss"] + width) / 10
    wanted = length**2 / 3 - length + 1
    # Of (length u - 1)^2, whose standard deviation is below its range.
    error = (length - 1) ** 2 / np.sqrt(number)
    assert abs(penalty - wanted) < 4 * error


def test_each_network_is_left_alone_by_the_steps_of_the_other():
    def differs(one, two):
        return [not np.array_equal(a, b) for a, b in zip(one, two, strict=True)]

    for moves in ("generator", "discriminator"):
        gan = random_gan(compiled=eagerly)
        stays = "discriminator" if moves == "generator" else "generator"
        optimizers = {
            "generator": gan.optimizer,
            "discriminator": gan.discriminator_optimizer,
        }
        optimizers[stays].learning_rate = 0.0
        before = {
            name: [x.numpy() for x in getattr(gan, name).trainable_variables]
            for name in optimizers
        }
        statistics = gan.generator.layers[1].moving_mean.numpy()
        gan.train_on_batch(bits(8))
        for name in optimizers:
            now = [x.numpy() for x in getattr(gan, name).trainable_variables]
            assert any(differs(before[name], now)) == (name == moves)
        assert not np.array_equal(
            statistics, gan.generator.layers[1].moving_mean
        )


def test_the_statistics_of_batch_normalization_follow_all_steps():
    norm = keras.layers.BatchNormalization(momentum=0.9)
    gan = known_gan(
        generator=dense_generator(OFFSETS, norm),
        objective="wgan",
        critic_schedule=2,
        compiled=eagerly,
    )
    gan.train_on_batch(REAL)
    np.testing.assert_allclose(
        norm.moving_mean, OFFSETS * (1 - 0.9**3), rtol=1e-5
    )


@pytest.mark.parametrize("estimator", ["sigmoid_adjusted", "disarm"])
def test_regularizers_are_in_the_steps_and_not_in_the_logs(estimator):
    rate, strength = 0.5, 0.1
    l2 = keras.regularizers.L2(strength)
    logs, weights = [], []
    for regularizer in (None, l2):
        node = StochasticNode("bernoulli", estimator, seed=1)
        gan = known_gan(
            rate,
            rate,
            generator=dense_generator(
                OFFSETS, node, bias_regularizer=regularizer
            ),
            discriminator=affine_critic(kernel_regularizer=regularizer),
            # The generator meets the same critic.
            objective="gan",
            compiled=eagerly,
            seed=1,
        )
        gan.optimizer.learning_rate = 0.0
        logs.append(gan.train_on_batch(REAL, return_dict=True))
        weights.append(gan.discriminator.get_weights())
        gan.discriminator.set_weights([KERNEL, BIAS])
        gan.optimizer.learning_rate = rate
        gan.discriminator_optimizer.learning_rate = 0.0
        gan.train_on_batch(REAL)
        weights[-1] += gan.generator.get_weights()
    without, penalized = weights
    decay = 2 * rate * strength
    np.testing.assert_allclose(
        penalized[0], without[0] - decay * KERNEL, rtol=1e-5
    )
    np.testing.assert_allclose(
        penalized[3], without[3] - decay * OFFSETS, rtol=1e-5
    )
    np.testing.assert_allclose(
        logs[0]["discriminator_loss"], logs[1]["discriminator_loss"], rtol=1e-5
    )


@pytest.mark.parametrize("fresh", [False, True])
def test_latents_are_drawn_once_a_batch_or_once_a_step(fresh):
    def made():
        return known_gan(
            generator=keras.Sequential(
                [
                    keras.Input((3,)),
                    keras.layers.Dense(3, kernel_initializer="identity"),
                ]
            ),
            discriminator_rate=1.0,
            objective="wgan",
            clip=1e9,
            critic_schedule=3,
            fresh_latents=fresh,
            seed=5,
            compiled=eagerly,
        )

    gan, twin = made(), made()
    gan.train_on_batch(np.zeros((4, 3)))
    draws = [np.mean(twin.latents(4), axis=0) for _ in range(4)]
    moved = sum(draws[:3]) if fresh else 3 * draws[0]
    found = gan.discriminator.get_weights()[0][:, 0]
    np.testing.assert_allclose(found, KERNEL[:, 0] - moved, rtol=1e-4)
    drawn = int(gan.seed_generator.state[1])
    assert drawn == (4 if fresh else 1)


def test_integers_a_partial_batch_and_slope_annealing_are_welcome():
    gan = random_gan(objective="wgan")
    history = gan.fit(
        bits(10, dtype="uint8"),
        batch_size=4,
        epochs=2,
        callbacks=[SlopeAnnealing(2.0)],
        verbose=0,
    ).history
    assert int(gan.batches.value) == 6
    assert all(np.isfinite(x).all() for x in history.values())
    assert history["slope"] == [1.0, 2.0]
    assert float(gan.generator.layers[-1].slope.value) == 4.0
    assert set(np.unique(gan.sample(20))) == {0.0, 1.0}


def test_samples_are_those_of_the_generator():
    gan = known_gan()
    np.testing.assert_array_equal(gan.sample(4), [FAKE] * 4)
    assert gan.compute_output_shape((7, 2)) == (7, 3)
    np.testing.assert_array_equal(gan(np.zeros((2, 2))), [FAKE] * 2)
    assert gan.latents(3).shape == (3, 2)
