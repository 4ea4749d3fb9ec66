"""Where the time of a critic step goes, part by part.

Functions that do ever more of the step are timed in turns; the difference of
two is the time of a part. Beside it stands its limit, the time of a product of
two large matrices with as many operations as the convolutions and the dense
layers of the part need.
"""

import dataclasses
import math
import statistics

import keras
import tensorflow as tf
from keras import ops

from benchmarks import binary_gan_rivals as rivals
from benchmarks import results, timing

_SIDE = 1024
PARTS = (
    "generator, forward",
    "real and fake, forward and backward",
    "penalty, forward and input gradient",
    "penalty, gradient of the gradient",
    "optimizer",
)


def with_layers_of_keras(network):
    """A copy of a network with the activations and pooling of Keras itself."""

    def swap(layer):
        cls = type(layer)
        for plain in (keras.layers.LeakyReLU, keras.layers.MaxPooling2D):
            if isinstance(layer, plain):
                cls = plain
        return cls.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=swap)
    copy.set_weights(network.get_weights())
    return copy


def multiplications(network):
    """Multiplications of one example in each layer with a kernel."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            places = math.prod(layer.input.shape[1:3])
        elif isinstance(layer, keras.layers.Conv2D):
            places = math.prod(layer.output.shape[1:3])
        elif isinstance(layer, keras.layers.Dense):
            places = 1
        else:
            continue
        found.append(places * math.prod(layer.kernel.shape))
    return found


def operations(generator, discriminator, batch):
    """Additions and multiplications that each of `PARTS` needs.

    A backward pass has the weights' gradient and, but for the first layer, the
    input's; each costs what the forward pass does. The gradient of the input
    gradient goes forward once more, and has a weights' gradient.
    """
    judged = multiplications(discriminator)
    once, first = sum(judged), judged[0]
    needed = (
        sum(multiplications(generator)),
        2 * (3 * once - first),
        2 * once,
        2 * once,
        0,
    )
    return [2 * batch * number for number in needed]


@dataclasses.dataclass(frozen=True)
class CriticStep:
    """A critic step that can be stopped after each of `PARTS`."""

    generator: keras.Model
    discriminator: keras.Model
    optimizer: keras.optimizers.Optimizer

    def upto(self, number):
        """A function of samples, latents and shares that does some parts."""

        @tf.function(reduce_retracing=True)
        def step(real, latents, share):
            fake = self.generator(latents, training=True)
            if number == 1:
                return fake
            weights = self.discriminator.trainable_variables
            penalty = 0.0
            with tf.GradientTape() as tape:
                logits = [
                    self.discriminator(x, training=True) for x in (real, fake)
                ]
                loss = tf.reduce_mean(logits[1]) - tf.reduce_mean(logits[0])
                if number > 2:
                    penalty = rivals.gradient_penalty(
                        self.discriminator, share * real + (1 - share) * fake
                    )
                if number > 3:
                    loss += 10 * penalty
            gradients = tape.gradient(loss, weights)
            if number > 4:
                self.optimizer.apply(gradients, weights)
                return loss
            return penalty, gradients

        return step


def _critic_step(generator, discriminator):
    optimizer = rivals.adam()
    optimizer.build(discriminator.trainable_variables)
    return CriticStep(generator, discriminator, optimizer)


def _timed(setting):
    """What is timed, by name, and the operations of each part."""
    pair = setting.networks("dbn")
    real = next(setting.batches())
    size = setting.batch
    inputs = (
        real,
        tf.random.stateless_normal((size, *pair[0].input_shape[1:]), [1, 2]),
        tf.random.stateless_uniform((size, 1, 1, 1), [3, 4]),
    )

    def call(step):
        def run():
            first = keras.tree.flatten(step(*inputs))[0]
            return ops.convert_to_numpy(tf.reshape(first, [-1])[:1])

        return run

    ours = _critic_step(*pair)
    keras_layers = _critic_step(pair[0], with_layers_of_keras(pair[1]))
    functions = {
        part: call(ours.upto(index + 1)) for index, part in enumerate(PARTS)
    }
    functions["keras"] = call(keras_layers.upto(len(PARTS)))
    matrix = tf.random.stateless_normal((_SIDE, _SIDE), [5, 6])
    product = tf.function(tf.matmul)
    functions["product"] = lambda: product(matrix, matrix)[0, 0].numpy()
    return functions, operations(*pair, size)


def critic_rows(setting, rounds):
    """The parts of a critic step, and the whole against layers of Keras.

    Args:
        setting: `binary_gan_cases.Setting`.
        rounds: Integer, how often each is timed.

    Returns:
        List of `results.Row`.
    """
    functions, needed = _timed(setting)
    found = timing.compare(
        functions,
        rounds=rounds,
        seconds_per_round=setting.seconds_per_round,
    )
    name = f"Critic step, {setting.architecture.upper()}, graph"
    step = found[PARTS[-1]]
    second = statistics.median(found["product"]) / (2 * _SIDE**3)
    rows, before = [], [0.0] * rounds
    for part, number in zip(PARTS, needed, strict=True):
        took = [b - a for a, b in zip(before, found[part], strict=True)]
        before = found[part]
        rows += _part_rows(name, part, took, step, number, second)
    rows.append(
        results.row(
            name,
            "whole step, median",
            1e3 * statistics.median(step),
            "ms",
            samples=[1e3 * x for x in step],
            against="a product of matrices of as many operations",
            against_value=1e3 * sum(needed) * second,
        )
    )
    ratios = timing.ratios(found, PARTS[-1], "keras")
    rows.append(
        results.row(
            name,
            "whole step",
            statistics.median(ratios),
            "times",
            samples=ratios,
            against="MaxPooling2D and LeakyReLU of Keras",
        )
    )
    return rows


def _part_rows(name, part, took, step, number, second):
    shares = [x / y for x, y in zip(took, step, strict=True)]
    yield results.row(
        name,
        f"{part}: share of the step",
        statistics.median(shares),
        "",
        samples=shares,
        against=f"{1e3 * statistics.median(took):.2f} ms, "
        f"{number / 1e9:.3f} GFLOP",
    )
    if number:
        times = [x / (number * second) for x in took]
        yield results.row(
            name,
            f"{part}: times the limit",
            statistics.median(times),
            "times",
            samples=times,
            against="a product of matrices of as many operations "
            f"({1e3 * number * second:.2f} ms)",
        )
