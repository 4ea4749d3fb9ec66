"""A `BinaryGAN` in each mode, in other types, and on replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from tiny_gans import (
    OFFSETS,
    affine_critic,
    assert_same,
    bits,
    dense_generator,
    known_gan,
    random_gan,
    values,
)

from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.training import CriticSchedule

X = bits(12)


def trained(**compiled):
    schedule = CriticSchedule(1, 2, first=1, period=0)
    # Adam would make steps of what is zero up to rounding.
    gan = random_gan(
        critic_schedule=schedule,
        compiled=compiled,
        optimizer=lambda: keras.optimizers.SGD(0.1),
    )
    gan.fit(X, batch_size=4, shuffle=False, verbose=0)
    return values(gan)


@pytest.fixture(scope="module")
def graph():
    return trained()


@pytest.mark.parametrize(
    "compiled",
    [{"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 2}],
    ids=lambda compiled: next(iter(compiled)),
)
def test_each_way_to_execute_gives_the_same_weights(graph, compiled):
    found = trained(**compiled)
    for a, b in zip(graph, found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    # Three batches, of which the last one is alone in its execution.
    assert graph[0] == found[0] == 3


def test_cost_estimators_train_under_xla_as_in_eager_mode():
    found = [
        values(gan)
        for compiled in ({"run_eagerly": True}, {"jit_compile": True})
        for gan in [
            random_gan(
                StochasticNode("bernoulli", "disarm", seed=1),
                compiled=compiled,
                optimizer=lambda: keras.optimizers.SGD(0.1),
            )
        ]
        if gan.fit(X, batch_size=4, shuffle=False, verbose=0)
    ]
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert found[0][0] == 3


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    "policy", ["mixed_float16", "mixed_bfloat16", "float64"], indirect=True
)
def test_other_dtypes_train(policy):
    # The first steps in float16 overflow, and lower the scale.
    gan = random_gan(
        critic_schedule=4,
        gradient_penalty=1.0,
        compiled={"run_eagerly": True},
    )
    kernels = [x for x in gan.trainable_variables if x.name == "kernel"]
    before = [ops.convert_to_numpy(x) for x in kernels]
    history = gan.fit(X, batch_size=6, verbose=0).history
    assert all(np.isfinite(x).all() for x in history.values())
    assert all(np.isfinite(x).all() for x in values(gan))
    for old, new in zip(before, kernels, strict=True):
        assert not np.array_equal(old, new)
    scaled = [
        isinstance(x, keras.optimizers.LossScaleOptimizer)
        for x in (gan.optimizer, gan.discriminator_optimizer)
    ]
    assert scaled == [policy == "mixed_float16"] * 2


@pytest.mark.parametrize("policy", ["float64"], indirect=True)
@pytest.mark.parametrize("objective", ["gan", "wgan"])
def test_float64_is_not_rounded_on_its_way(policy, objective):
    kernel = np.array([[0.3], [-0.2], [0.1]])
    gan = known_gan(
        discriminator=affine_critic(kernel, np.array([0.7])),
        discriminator_rate=1.0,
        objective=objective,
        clip=9.0,
        compiled={"run_eagerly": True},
    )
    real = bits(5, 3, dtype="float64")
    fake = (OFFSETS > 0).astype("float64")
    gan.train_on_batch(real)
    weights = np.ones(5), 1.0
    if objective == "gan":
        weights = [
            1 / (1 + np.exp(-sign * (x @ kernel[:, 0] + 0.7)))
            for sign, x in ((-1, real), (1, fake))
        ]
    slope = weights[1] * fake - (weights[0][:, None] * real).mean(axis=0)
    found = gan.discriminator.get_weights()[0][:, 0]
    np.testing.assert_allclose(found, kernel[:, 0] - slope, rtol=1e-12)


@pytest.mark.parametrize("policy", ["mixed_float16"], indirect=True)
def test_a_scaled_loss_makes_the_step_of_an_unscaled_one(policy, tmp_path):
    real = bits(5, 3)
    optimizers = [
        keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.5), initial_scale=256.0
        )
        for _ in range(2)
    ]
    gan = known_gan(objective="wgan", clip=9.0)
    gan.compile(*optimizers, run_eagerly=True)
    assert gan.optimizer is optimizers[0]
    assert gan.discriminator_optimizer is optimizers[1]
    kernel = gan.discriminator.get_weights()[0]
    gan.train_on_batch(real)
    fake = (OFFSETS > 0).astype("float32")
    kernel = kernel - 0.5 * (fake - real.mean(axis=0))[:, None]
    found = gan.discriminator.get_weights()[0]
    np.testing.assert_allclose(found, kernel, atol=2e-3)
    p = 1 / (1 + np.exp(-OFFSETS))
    offsets = OFFSETS + 0.5 * p * (1 - p) * kernel[:, 0]
    found = gan.generator.get_weights()[1]
    np.testing.assert_allclose(found, offsets, atol=2e-3)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    for optimizer in (again.optimizer, again.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert isinstance(optimizer.inner_optimizer, keras.optimizers.SGD)


def dataset(x):
    return tf.data.Dataset.from_tensor_slices(x).batch(len(x))


@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
def test_two_replicas_train_as_one(two_replicas, objective):
    # For constant bits the noise does not matter.
    def made(**compiled):
        gan = known_gan(
            0.5,
            0.5,
            compiled,
            generator=dense_generator(
                OFFSETS, BinaryNeuron(), bias_regularizer="l2"
            ),
            discriminator=affine_critic(kernel_regularizer="l2"),
            objective=objective,
            clip=0.6,
            critic_schedule=2,
        )
        history = gan.fit(dataset(bits(8, 3)), shuffle=False, verbose=0).history
        weights = gan.generator.get_weights()[1:]
        assert int(ops.convert_to_numpy(gan.batches)) == 1
        return weights + gan.discriminator.get_weights(), history

    one = made(run_eagerly=True)
    with two_replicas.scope():
        two = made()
    for a, b in zip(one[0], two[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    for name, logged in one[1].items():
        np.testing.assert_allclose(logged, two[1][name], rtol=1e-5)


def test_replicas_draw_different_latents_and_need_a_constant_schedule(
    two_replicas,
):
    with two_replicas.scope():
        gan = random_gan(critic_schedule=CriticSchedule(1, 2, 3, 0))
    drawn = two_replicas.run(lambda: gan.latents(5))
    one, two = two_replicas.experimental_local_results(drawn)
    assert not np.any(np.isclose(one, two))
    before = [x.numpy() for x in gan.trainable_variables]
    with pytest.raises(ValueError, match="constant `critic_schedule` under"):
        gan.fit(dataset(X), shuffle=False, verbose=0)
    assert_same(before, [x.numpy() for x in gan.trainable_variables])
