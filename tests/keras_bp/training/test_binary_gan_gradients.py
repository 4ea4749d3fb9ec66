"""The gradient of the generator, against going through all its states."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from stochastic_graphs import z_scores
from tiny_gans import (
    OFFSETS,
    affine_critic,
    bits,
    dense_generator,
    known_gan,
    quadratic_critic,
    reset,
    tanh_critic,
)

from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.ops import binary_estimators

THETA = np.array([0.7, -1.2, 0.4, -0.3])
MATRIX = np.array(
    [
        [0.9, -0.4, 0.3, 0.2],
        [-0.4, -1.1, 0.5, 0.1],
        [0.3, 0.5, 0.8, -0.6],
        [0.2, 0.1, -0.6, -0.7],
    ]
)
LINEAR = np.array([0.5, -0.8, 0.6, 1.1])
BATCH, STEPS = 4096, 24

NORMALIZATIONS = [
    keras.layers.LayerNormalization,
    functools.partial(keras.layers.GroupNormalization, 2),
]
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=len(THETA))))
P = 1 / (1 + np.exp(-THETA))
LIKELY = np.prod(np.where(STATES == 1, P, 1 - P), axis=1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss(objective, logits):
    """Of the generator, for each state."""
    return np.log1p(np.exp(-logits)) if objective == "gan" else -logits


def exact(costs):
    return (LIKELY * costs) @ (STATES - P)


def estimates(end, critic, objective, steps=STEPS):
    """The mean gradient of each of some batches, from steps of rate 1."""
    generator = dense_generator(THETA, end)
    gan = known_gan(
        generator_rate=1.0,
        generator=generator,
        discriminator=critic,
        objective=objective,
        clip=1e9,
        seed=3,
    )
    x, found, logged = bits(BATCH, len(THETA)), [], 0.0
    for _ in range(steps):
        reset(generator, THETA)
        logs = gan.train_on_batch(x, return_dict=True)
        found.append(THETA - generator.get_weights()[1])
        logged = logs["generator_loss"]
    return np.array(found), float(logged)


def affine():
    return affine_critic(
        LINEAR[:, None].astype("float32")
    ), STATES @ LINEAR + 0.2


def quadratic():
    values = np.einsum("si,ij,sj->s", STATES, MATRIX, STATES) + STATES @ LINEAR
    return quadratic_critic(MATRIX, LINEAR), values


def curved():
    """A layer of tanh, with which no local estimator is exact."""
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(len(THETA), 5)), rng.normal(size=(5, 1))
    return tanh_critic(first, last), (np.tanh(STATES @ first) @ last)[:, 0]


def test_the_straight_through_gradient_of_an_affine_critic_is_exact():
    critic, values = affine()
    end = BinaryNeuron("stochastic", seed=1)
    found, logged = estimates(end, critic, "wgan")
    costs = loss("wgan", values)
    np.testing.assert_allclose(found, [exact(costs)] * STEPS, rtol=1e-3)
    np.testing.assert_allclose(logged, LIKELY @ costs, atol=0.02)


@pytest.mark.parametrize(
    ("mode", "estimator"),
    [
        (mode, estimator)
        for mode in ("deterministic", "stochastic")
        for estimator in binary_estimators(mode)
    ],
)
def test_every_local_estimator_drives_the_generator(mode, estimator):
    critic, _ = affine()
    end = BinaryNeuron(mode, estimator=estimator, seed=1)
    found, _ = estimates(end, critic, "wgan", steps=3)
    logits = tf.constant(np.tile(THETA, (2**15, 1)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(logits)
        fired = BinaryNeuron(mode, estimator=estimator, seed=2)(logits)
    weight = np.mean(tape.gradient(fired, logits), axis=0)
    assert np.abs(weight).max() > 0.1
    # A rule that draws numbers is known to some hundredths.
    near = 0.05 if estimator in ("gumbel", "reinmax") else 1e-3
    np.testing.assert_allclose(
        found.mean(axis=0), -LINEAR * weight, rtol=near, atol=1e-4
    )


def test_the_softplus_of_the_gan_biases_it_by_what_the_formula_says():
    critic, values = affine()
    end = BinaryNeuron("stochastic", seed=1)
    found, logged = estimates(end, critic, "gan")
    costs = loss("gan", values)
    upstream = LIKELY @ -sigmoid(-values)
    assert np.abs(z_scores(found, P * (1 - P) * upstream * LINEAR)).max() < 4.5
    assert np.abs(z_scores(found, exact(costs))).max() > 10
    np.testing.assert_allclose(logged, LIKELY @ costs, atol=0.02)


@pytest.mark.parametrize("layer", [BinaryNeuron, StochasticNode])
def test_reinmax_is_unbiased_for_a_quadratic_critic(layer):
    kind = "stochastic" if layer is BinaryNeuron else "bernoulli"
    critic, values = quadratic()
    found, _ = estimates(layer(kind, "reinmax", seed=1), critic, "wgan")
    costs = loss("wgan", values)
    assert np.abs(z_scores(found, exact(costs))).max() < 4.5


def test_straight_through_is_biased_by_the_diagonal_of_a_quadratic_critic():
    critic, values = quadratic()
    end = BinaryNeuron("stochastic", seed=1)
    found, _ = estimates(end, critic, "wgan")
    costs = loss("wgan", values)
    bias = -np.diag(MATRIX) * (2 * P - 1) * P * (1 - P)
    assert np.abs(z_scores(found, exact(costs) + bias)).max() < 4.5
    assert np.abs(z_scores(found, exact(costs))).max() > 10


@pytest.mark.parametrize("objective", ["gan", "wgan"])
@pytest.mark.parametrize(("estimator", "samples"), [("rloo", 2), ("disarm", 1)])
def test_the_critic_as_a_cost_gives_the_exact_gradient(
    objective, estimator, samples
):
    critic, values = curved()
    node = StochasticNode("bernoulli", estimator, samples=samples, seed=1)
    found, logged = estimates(node, critic, objective)
    costs = loss(objective, values)
    assert np.abs(z_scores(found, exact(costs))).max() < 4.5
    np.testing.assert_allclose(logged, LIKELY @ costs, atol=0.02)


def normalized_critic(kind, dtype):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((len(OFFSETS),), dtype=dtype),
            keras.layers.Dense(8, dtype=dtype),
            kind(dtype=dtype),
            keras.layers.Activation("tanh", dtype=dtype),
            keras.layers.Dense(1, dtype=dtype),
        ]
    )


def penalty_of(critic, x):
    x = tf.constant(x, "float64")
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = critic(x)
    return np.mean((np.linalg.norm(tape.gradient(value, x), axis=1) - 1) ** 2)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_the_penalty_of_a_critic_that_normalizes_has_its_gradient(kind):
    # Real bits are those that are made: all that is left is the penalty.
    made = np.tile(OFFSETS > 0, (4, 1)).astype("float32")
    critic = normalized_critic(kind, "float32")
    gan = known_gan(0.0, 1.0, discriminator=critic, gradient_penalty=1.0)
    before = [w.numpy().astype("float64") for w in critic.trainable_variables]
    gan.train_on_batch(made)
    step = before[0] - critic.trainable_variables[0].numpy()
    twin = normalized_critic(kind, "float64")
    twin.set_weights(before)
    along = np.random.default_rng(1).normal(size=step.shape)
    ends = []
    for sign in (1, -1):
        twin.trainable_variables[0].assign(before[0] + sign * 1e-5 * along)
        ends.append(penalty_of(twin, made))
    slope = (ends[0] - ends[1]) / 2e-5
    assert abs(slope) > 1e-3
    np.testing.assert_allclose((step * along).sum(), slope, rtol=1e-3)
