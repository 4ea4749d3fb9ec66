"""One batch of a GAN by `examples.binary_gan_parts.on_jax`, of given weights.

Run by itself under JAX: reads files of arrays, and writes others.
"""

import sys

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


def main(given, path):
    data = np.load(given)
    objective, neuron = str(data["objective"]), str(data["neuron"])
    fresh = bool(data["fresh"])
    runs = [gan(objective, neuron, fresh, seed) for seed in range(RUNS)]
    for row, made in enumerate(runs):
        for place, weight in enumerate(weights(made)):
            weight.assign(data[f"weight_{place}"][row])
        made.latents = lambda number: ops.convert_to_tensor(data["latents"])
    share = ops.convert_to_tensor(data["share"])
    keras.random.uniform = lambda shape, seed=None: share
    group = Group(runs)
    losses = group.train(ops.convert_to_tensor(data["x"]), data["orders"])
    found = {f"loss_{name}": value for name, value in losses.items()}
    for place, same in enumerate(
        zip(*(weights(made) for made in group.restore()), strict=True)
    ):
        found[f"weight_{place}"] = np.stack(
            [ops.convert_to_numpy(weight) for weight in same]
        )
    np.savez(path, **found)


if __name__ == "__main__":
    for given, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        main(given, path)
