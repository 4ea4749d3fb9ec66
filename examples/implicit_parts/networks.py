"""The networks whose training is compared."""

import math

import keras
from keras import initializers, layers, ops

# As in the code of Fagan and Iyengar.
_SMALL = initializers.RandomUniform(-0.1, 0.1)
_FAN_IN = initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def mlp(features, classes, activation, units=(200, 100)):
    """Hidden layers of one activation, and logits."""
    hidden = [layers.Dense(n, activation=activation) for n in units]
    return keras.Sequential(
        [keras.Input((features,)), *hidden, layers.Dense(classes)]
    )


def uci(features, classes):
    """Three arctan layers as wide as the input, and logits."""

    def dense(units, activation):
        return layers.Dense(
            units,
            activation,
            kernel_initializer=_SMALL,
            bias_initializer=_SMALL,
        )

    hidden = [dense(features, ops.arctan) for _ in range(3)]
    return keras.Sequential(
        [keras.Input((features,)), *hidden, dense(classes, None)]
    )


def conv():
    """The network of the authors, of which the last two layers are implicit.

    Inputs are normalized, and convolutions begin, as theirs do.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 0.3081, offset=-0.1307 / 0.3081),
            layers.Conv2D(10, 5, kernel_initializer=_FAN_IN),
            layers.MaxPooling2D(),
            layers.ReLU(),
            layers.Conv2D(20, 5, kernel_initializer=_FAN_IN),
            layers.SpatialDropout2D(0.5),
            layers.MaxPooling2D(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(
                50,
                ops.arctan,
                kernel_initializer=_SMALL,
                bias_initializer=_SMALL,
            ),
            layers.Dropout(0.5),
            layers.Dense(
                10,
                "relu",
                kernel_initializer=_SMALL,
                bias_initializer=_SMALL,
            ),
        ]
    )


def recurrent(notes=88, units=300):
    """An arctan network over time, whose outputs are probabilities."""
    return keras.Sequential(
        [
            keras.Input((None, notes)),
            layers.SimpleRNN(
                units,
                activation=ops.arctan,
                return_sequences=True,
                kernel_initializer="glorot_uniform",
                recurrent_initializer="glorot_uniform",
            ),
            layers.Dense(notes, activation=ops.arctan),
            layers.Rescaling(1 / math.pi, offset=0.5),
        ]
    )
