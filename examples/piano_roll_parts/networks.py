"""Generator and discriminator of piano-rolls.

Both are convolutions over time that see all pitches of a step at once.
"""

import keras
import numpy as np

from keras_bp.layers import BinaryNeuron

LATENT = 64

# A normal distribution is close to a logistic one of this scale (Bowling et
# al., 2009): with it, neurons that fire above 0 are on as often as the data.
_SPREAD = 1.702


def generator(neuron, means, steps, width, seed):
    """Makes a generator that begins with the pitches as often on as `means`.

    Without that, half of all bits are on at first, and most of the training
    goes into turning them off.

    Args:
        neuron: String, `"dbn"`, `"sbn"` or `"real"`.
        means: Array `(pitches,)`, how often each is on.
        steps: Integer, a multiple of 4.
        width: Integer, filters of the last hidden layer.
        seed: Integer.

    Returns:
        `keras.Model` from latents to `(batch, steps, 1, pitches)`.
    """
    layers = keras.layers
    log_odds = np.log(means + 1e-3) - np.log(1 - means)

    def activated(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    def doubled(x, filters):
        # A transposed convolution of size and stride 2.
        time = 2 * x.shape[1]
        return layers.Reshape((time, filters))(layers.Dense(2 * filters)(x))

    latents = x = keras.Input((LATENT,))
    x = layers.Dense(steps // 4 * 2 * width)(x)
    x = activated(layers.Reshape((steps // 4, 2 * width))(x))
    x = activated(doubled(x, 2 * width))
    x = activated(layers.Conv1D(2 * width, 3, padding="same")(x))
    x = activated(doubled(x, width))
    x = layers.Conv1D(len(means), 3, padding="same")(x)
    x = layers.BatchNormalization(
        beta_initializer=keras.initializers.Constant(log_odds),
        gamma_initializer=keras.initializers.Constant(_SPREAD),
    )(x)
    x = layers.Reshape((steps, 1, len(means)))(x)
    return keras.Model(latents, _end(neuron, seed)(x), name="generator")


def _end(neuron, seed):
    if neuron == "real":
        return keras.layers.Activation("sigmoid")
    mode = "deterministic" if neuron == "dbn" else "stochastic"
    return BinaryNeuron(mode, seed=seed)


def discriminator(shape, width):
    """Makes a discriminator of `(batch, steps, 1, pitches)`.

    Args:
        shape: Tuple of integers, `(steps, 1, pitches)`.
        width: Integer, filters.

    Returns:
        `keras.Model` to logits `(batch, 1)`.
    """
    layers = keras.layers
    steps, _, pitches = shape

    def activated(x):
        return layers.LeakyReLU(negative_slope=0.2)(x)

    windows = keras.Input(shape)
    x = layers.Reshape((steps, pitches))(windows)
    x = activated(layers.Conv1D(width, 3, padding="same")(x))
    for _ in range(2):
        x = activated(layers.Conv1D(width, 4, 2, padding="same")(x))
    x = activated(layers.Dense(width)(layers.Flatten()(x)))
    return keras.Model(windows, layers.Dense(1)(x), name="discriminator")
