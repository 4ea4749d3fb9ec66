"""The methods of training that are compared, with one setting for all sets."""

import keras
import numpy as np

from keras_bp.training import make_implicit

RULES = ("dual", "layerwise", "averaged", "truncated")
NAMES = ("explicit", "clipped", "adam", *RULES)
# The published rule, with its last layer linearized.
PUBLISHED = "published"


def make(name, network, loss, seed=0):
    """Function that returns a compiled model, trained by a method.

    Args:
        name: String, of `NAMES` or `PUBLISHED`.
        network: Function that returns a model.
        loss: `keras.losses.Loss`.
        seed: Integer, of the noise of the rule.
    """

    def made():
        model = network()
        optimizer = keras.optimizers.SGD()
        if name == "clipped":
            optimizer = keras.optimizers.SGD(global_clipnorm=1.0)
        elif name == "adam":
            optimizer = keras.optimizers.Adam()
        elif name == PUBLISHED:
            model = make_implicit(
                model, "layerwise", whole_loss=False, seed=seed
            )
        elif name in RULES:
            model = make_implicit(model, name, seed=seed)
        model.compile(optimizer, loss, jit_compile=False)
        return model

    return made


def rates(name, grid):
    """The grid of a method: that of Adam lies three decades lower."""
    grid = np.asarray(grid)
    return [
        float(f"{x:.4g}") for x in (grid / 1000 if name == "adam" else grid)
    ]
