"""What a `BinaryGAN` refuses, and what it says."""

import keras
import numpy as np
import pytest
from tiny_gans import assert_same, bits, random_gan, values

from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.training import BinaryGAN


def network(*units, **arguments):
    dense = [keras.layers.Dense(width) for width in units[1:]]
    return keras.Sequential([keras.Input((units[0],)), *dense], **arguments)


def several(inputs=1, outputs=1):
    x = [keras.Input((3,)) for _ in range(inputs)]
    y = keras.layers.Dense(1)(sum(x[1:], x[0]))
    return keras.Model(x, [y] * outputs)


class Subclassed(keras.Model):
    def call(self, x):
        return x


def named(inputs=False, outputs=False):
    x = keras.Input((2,), name="z")
    y = keras.layers.Dense(3)(x)
    return keras.Model({"z": x} if inputs else x, {"bits": y} if outputs else y)


def of_unknown_length():
    return keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(1)])


def normalized():
    norm = keras.layers.BatchNormalization(name="statistics")
    return keras.Sequential([keras.Input((3,)), norm, keras.layers.Dense(1)])


def judging(*end):
    """A discriminator that ends in probabilities."""
    return keras.Sequential([keras.Input((3,)), *end])


def of_an_operation():
    x = keras.Input((3,))
    return keras.Model(x, keras.ops.sigmoid(keras.layers.Dense(1)(x)))


G, D = (2, 3), (3, 1)

REFUSED = {
    "objective": (network(*G), network(*D), {"objective": "lsgan"}),
    "penalty": (network(*G), network(*D), {"gradient_penalty": -1.0}),
    "clip": (network(*G), network(*D), {"clip": 0.0}),
    "units": (network(*G), network(4, 1), {}),
    "rank": (network(*G), of_unknown_length(), {}),
    "wide logits": (network(*G), network(3, 2), {}),
    "deep logits": (of_unknown_length(), of_unknown_length(), {}),
    "not built": (keras.Sequential([keras.layers.Dense(3)]), network(*D), {}),
    "subclassed": (network(*G), Subclassed(), {}),
    "inputs": (network(*G), several(inputs=2), {}),
    "outputs": (several(outputs=2), network(*D), {}),
    "latents": (of_unknown_length(), network(*D), {}),
    "named input": (named(inputs=True), network(*D), {}),
    "named output": (named(outputs=True), network(*D), {}),
    "zero steps": (network(*G), network(*D), {"critic_schedule": 0}),
    "batch normalization": (network(*G), normalized(), {}),
    "sigmoid": (
        network(*G),
        judging(keras.layers.Dense(1, "sigmoid", name="judge")),
        {},
    ),
    "sigmoid layer": (
        network(*G),
        judging(keras.layers.Dense(1), keras.layers.Activation("sigmoid")),
        {},
    ),
    "sigmoid operation": (network(*G), of_an_operation(), {}),
    "sigmoid within": (
        network(*G),
        judging(
            judging(keras.layers.Dense(1, "sigmoid")),
            keras.layers.Dropout(0.1),
            keras.layers.Activation("linear", dtype="float32"),
        ),
        {},
    ),
}
WORDS = {
    "objective": r"expects `objective` to be one of \['gan', 'wgan', 'wgan-gp'",
    "penalty": "expects `gradient_penalty` to be zero or greater",
    "clip": "expects `clip` to be greater than zero",
    "units": r"what the `generator` makes, \(None, 3\).* of \(None, 4\)",
    "rank": r"what the `generator` makes, \(None, 3\).* of \(None, None, 3\)",
    "wide logits": r"logits of shape \(batch, 1\). Received: \(None, 2\)",
    "deep logits": "`generator` of latents of a known shape",
    "not built": "`generator` .* is built: begin it with keras.Input",
    "subclassed": "`discriminator` to be a functional or Sequential",
    "inputs": "`discriminator` to have one input .* Received: 2 and 1",
    "outputs": "`generator` to have one input .* Received: 1 and 2",
    "latents": "`generator` of latents of a known shape",
    "named input": r"input of `generator` to be a tensor.*\['z'\]",
    "named output": r"output of `generator` to be a tensor.*\['bits'\]",
    "zero steps": "expects `steps` to be 1 or greater",
    "batch normalization": r"each example alone.*\['statistics'\]",
    "sigmoid": "returns logits: leave out the sigmoid.* ends in 'judge'",
    "sigmoid layer": "returns logits: leave out the sigmoid",
    "sigmoid operation": "returns logits: leave out the sigmoid",
    "sigmoid within": "returns logits: leave out the sigmoid",
}


@pytest.mark.parametrize("case", WORDS)
def test_what_cannot_be_trained_is_refused(case):
    generator, discriminator, arguments = REFUSED[case]
    with pytest.raises(ValueError, match=WORDS[case]):
        BinaryGAN(generator, discriminator, **arguments)


@pytest.mark.parametrize("schedule", [2.5, True, "paper", (5, 100)])
def test_a_schedule_of_another_type_is_refused(schedule):
    with pytest.raises(TypeError, match="a CriticSchedule, an integer or None"):
        BinaryGAN(network(*G), network(*D), critic_schedule=schedule)


def test_any_integer_is_a_schedule():
    gan = BinaryGAN(network(*G), network(*D), critic_schedule=np.int64(3))
    assert gan.critic_schedule.constant == 3
    assert type(gan.critic_schedule.steps) is int


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_layer_is_no_network(name):
    networks = {"generator": network(*G), "discriminator": network(*D)}
    networks[name] = keras.layers.Dense(1)
    with pytest.raises(TypeError, match=f"`{name}` to be a keras.Model"):
        BinaryGAN(**networks)


def test_compile_takes_two_optimizers_and_no_loss():
    gan = BinaryGAN(network(*G), network(*D))
    for name, value, words in (
        ("loss", "mse", "has the losses of its `objective`"),
        ("loss_weights", [1.0], "has the losses of its `objective`"),
        ("optimizer", "adam", "takes `generator_optimizer` and"),
        ("metrics", ["mae"], "has no targets for metrics"),
        ("weighted_metrics", ["mae"], "has no targets for metrics"),
    ):
        with pytest.raises(ValueError, match=f"{words}.*{name}="):
            gan.compile(**{name: value})
    optimizer = keras.optimizers.SGD(0.1)
    with pytest.raises(ValueError, match="an optimizer of its own"):
        gan.compile(optimizer, optimizer)
    gan.compile("sgd", "adam")
    assert isinstance(gan.optimizer, keras.optimizers.SGD)
    assert isinstance(gan.discriminator_optimizer, keras.optimizers.Adam)
    once = [x.name for x in gan.metrics]
    gan.compile("sgd", "adam")
    assert [x.name for x in gan.metrics] == once


@pytest.mark.parametrize("shape", [(4, 5), (4,), (4, 6, 1)])
def test_samples_of_another_shape_are_refused(shape):
    # Of another rank they would be broadcast between samples.
    gan = random_gan(compiled={"run_eagerly": True})
    words = r"samples of the shape \(None, 6\) .* Received: \(4, "
    x = np.ones(shape, "float32")
    for method in (gan.train_on_batch, gan.test_on_batch):
        with pytest.raises(
            ValueError, match=words[: None if x.ndim > 1 else -1]
        ):
            method(x)
    with pytest.raises(ValueError, match="Received: dict"):
        gan.train_step({"bits": x})


def test_targets_and_weights_are_refused_and_change_nothing():
    gan = random_gan(compiled={"run_eagerly": True})
    before = values(gan)
    x, ones = bits(8), np.ones(8)
    for method in (gan.fit, gan.evaluate):
        with pytest.raises(ValueError, match=r"samples alone: fit\(x\)"):
            method(x, ones, verbose=0)
        with pytest.raises(ValueError, match="targets or sample weights"):
            method(x, ones, sample_weight=ones, verbose=0)
    with pytest.raises(ValueError, match="targets or sample weights"):
        gan.train_on_batch(x, sample_weight=ones)
    assert_same(before, values(gan))


def test_activities_of_a_judge_are_not_penalized_beside_cost_estimators():
    def made(end):
        judge = keras.layers.Dense(1, activity_regularizer="l2", name="judge")
        return BinaryGAN(
            keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), end]),
            keras.Sequential([keras.Input((3,)), judge]),
        )

    assert made(BinaryNeuron("stochastic")).discriminator.losses == []
    with pytest.raises(ValueError, match=r"regularizers of activities.*judge"):
        made(StochasticNode("bernoulli", "disarm"))


@pytest.mark.parametrize("scaled", [False, True])
def test_averages_of_the_discriminator_are_refused(scaled):
    gan = BinaryGAN(network(*G), network(*D))
    optimizer = keras.optimizers.Adam(use_ema=True)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    with pytest.raises(ValueError, match="without `use_ema`"):
        gan.compile(discriminator_optimizer=optimizer)


def test_averages_of_the_generator_are_written_and_those_of_the_other_not():
    gan = random_gan(
        compiled={"run_eagerly": True},
        optimizer=lambda: keras.optimizers.SGD(0.02),
    )
    averaged = keras.optimizers.SGD(0.02, use_ema=True, ema_momentum=0.9)
    gan.compile(averaged, keras.optimizers.SGD(0.02), run_eagerly=True)
    seen = {}

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for name in ("generator", "discriminator"):
                weights = getattr(gan, name).trainable_variables
                seen[name] = [np.array(x.numpy()) for x in weights]

    gan.fit(
        bits(12), batch_size=4, shuffle=False, verbose=0, callbacks=[Watch()]
    )
    weights = [x.numpy() for x in gan.generator.trainable_variables]
    averages = averaged._model_variables_moving_average
    for weight, average in zip(weights, averages, strict=True):
        np.testing.assert_allclose(weight, average, rtol=1e-6)
    moved = [
        np.abs(weight - before).max() > 1e-6
        for weight, before in zip(weights, seen["generator"], strict=True)
    ]
    # Batch normalization takes the bias away.
    assert moved == [True, False, True, True]
    after = [x.numpy() for x in gan.discriminator.trainable_variables]
    assert_same(seen["discriminator"], after)
