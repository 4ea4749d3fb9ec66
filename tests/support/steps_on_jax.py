"""One batch of a GAN by `examples.binary_gan_parts.on_jax`, of given weights.

Run by itself under JAX: reads files of arrays, and writes others.
"""

import sys
from unittest import mock

if __name__ == "__main__":
    # What needs TensorFlow is to fail, also where it is installed.
    sys.modules["tensorflow"] = None

import keras
import numpy as np
from keras import ops

from examples.binary_gan_parts.on_jax import Group
from keras_bp.layers import BinaryNeuron
from keras_bp.training import BinaryGAN

STEPS, RUNS = 3, 2
UNITS, PIXELS, LATENTS = 7, 5, 4


def gan(objective, neuron, fresh_latents=True, seed=0):
    """A small, compiled `BinaryGAN`."""
    layers = keras.layers
    end = BinaryNeuron(seed=seed)
    if neuron == "real":
        end = layers.Activation("sigmoid")
    generator = keras.Sequential(
        [
            keras.Input((LATENTS,)),
            layers.Dense(UNITS),
            layers.BatchNormalization(),
            layers.Dense(PIXELS),
            end,
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((PIXELS,)),
            layers.Dense(UNITS, activation="tanh"),
            *([layers.BatchNormalization()] if objective == "gan" else []),
            layers.Dense(1),
        ]
    )
    made = BinaryGAN(
        generator,
        discriminator,
        objective,
        critic_schedule=STEPS,
        fresh_latents=fresh_latents,
        seed=seed,
    )
    made.compile(*(optimizer(objective) for _ in range(2)))
    return made


def optimizer(objective):
    """One of each kind; gradients of zero are to make no step."""
    if objective == "gan":
        return keras.optimizers.Adam(0.01, 0.5, 0.9, epsilon=1e-2)
    if objective == "wgan":
        return keras.optimizers.RMSprop(0.01, epsilon=1e-2)
    return keras.optimizers.SGD(0.01)


def weights(made):
    """The weights of both networks, in their order."""
    return [*made.generator.weights, *made.discriminator.weights]


def noise_of(runs, data):
    """What two batches leave of the noise of some runs, and of slopes."""
    group = Group(runs)
    before = [ops.convert_to_numpy(x.seed_generator.state) for x in runs]
    orders = np.repeat(data["orders"], 2, axis=1)
    group.train(ops.convert_to_tensor(data["x"]), orders)
    group.scale_slopes([1.1, 1.0])
    after = group.restore()
    states = [ops.convert_to_numpy(x.seed_generator.state) for x in after]
    slopes = [getattr(x.generator.layers[-1], "slope", 1.0) for x in after]
    return {
        "draws": np.subtract(states, before)[:, 1],
        "next latents": [ops.convert_to_numpy(x.latents(3)) for x in after],
        "slopes": [float(ops.convert_to_numpy(x)) for x in slopes],
    }


def main(given, path):
    data = np.load(given)
    objective, neuron = str(data["objective"]), str(data["neuron"])
    fresh = bool(data["fresh"])

    def made_anew():
        return [gan(objective, neuron, fresh, seed) for seed in range(RUNS)]

    noise = noise_of(made_anew(), data)
    runs = made_anew()
    for row, made in enumerate(runs):
        for place, weight in enumerate(weights(made)):
            weight.assign(data[f"weight_{place}"][row])
        made.latents = lambda number: ops.convert_to_tensor(data["latents"])
    share = ops.convert_to_tensor(data["share"])
    group = Group(runs)
    with mock.patch("keras.random.uniform", lambda shape, seed=None: share):
        losses = group.train(ops.convert_to_tensor(data["x"]), data["orders"])
    found = {f"loss_{name}": value for name, value in losses.items()}
    for place, same in enumerate(
        zip(*(weights(made) for made in group.restore()), strict=True)
    ):
        found[f"weight_{place}"] = np.stack(
            [ops.convert_to_numpy(weight) for weight in same]
        )
    np.savez(path, **found, **noise)


if __name__ == "__main__":
    for given, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        main(given, path)
