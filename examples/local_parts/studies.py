"""What is trained: networks and data, methods, rates and seeds."""

import dataclasses
import functools

import keras
import numpy as np
from keras import layers

from examples.implicit_parts import data
from examples.local_parts import methods
from keras_bp.datasets import UCI_NAMES

_RATES = (0.001, 0.003, 0.01, 0.03)


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One network on one set.

    Attributes:
        name: String, of the set.
        depth: Integer, hidden layers.
        network: Function that returns a model.
        data: Function from a seed to the parts of the set.
    """

    name: str
    depth: int
    network: object
    data: object

    def for_method(self, method):
        """The parts of a seed, with numbered examples where these count."""
        if not methods.keeps_states(method):
            return self.data

        def numbered(seed):
            parts = self.data(seed)
            x, y = parts["train"]
            index = np.arange(len(x), dtype="int32")
            return {
                **parts,
                "train": ({"example_index": index, "inputs": x}, y),
            }

        return numbered

    def examples(self):
        """Integer, examples for training."""
        return len(self.data(0)["train"][0])


@dataclasses.dataclass(frozen=True)
class Study:
    """Sweeps whose results are told together.

    Attributes:
        told: String, the data.
        sweeps: Function from a folder of data to a list of `Sweep`.
        methods: Tuple of names of `methods.NAMES`.
        seeds: Integer.
        epochs, batch: Integers.
        rates: Tuple of learning rates of Adam, for all methods.
    """

    told: str
    sweeps: object
    methods: tuple
    seeds: int
    epochs: int
    batch: int = 32
    rates: tuple = _RATES

    def with_seeds(self, seeds):
        """The same with another number of seeds, unless it is None."""
        if seeds is None:
            return self
        return dataclasses.replace(self, seeds=seeds)


def network(features, classes, units, activation, dropout=0.0):
    """Hidden layers of one activation, perhaps with dropout, and logits."""
    hidden = []
    for count in units:
        hidden.append(layers.Dense(count, activation=activation))
        if dropout:
            hidden.append(layers.Dropout(dropout))
    return keras.Sequential(
        [keras.Input((features,)), *hidden, layers.Dense(classes)]
    )


def _uci(seeds_to_folds, data_dir):
    made = []
    for name in UCI_NAMES:
        fold, features, classes = data.uci(name, data_dir)
        for units in ((50,), (30, 30, 30)):
            made.append(
                Sweep(
                    name,
                    len(units),
                    functools.partial(
                        network, features, classes, units, "tanh"
                    ),
                    functools.partial(_fold, fold, seeds_to_folds),
                )
            )
    return made


def _fold(fold, factor, seed):
    # Seeds that differ by the number of folds have the same one.
    return fold(factor * seed)


def _images(name, units, dropout, activation, data_dir):
    found = data.images(data_dir, True)
    features = found["train"][0].shape[1]
    made = functools.partial(network, features, 10, units, activation, dropout)
    return [Sweep(name, len(units), made, lambda seed: found)]


_DEFAULT = (methods.BACKPROP, *methods.DEFAULTS)
STUDIES = {
    "digits": Study(
        "digits",
        lambda _: _images("digits", (64, 32), 0.0, "relu", None),
        _DEFAULT,
        seeds=2,
        epochs=15,
        rates=(0.001, 0.003, 0.01),
    ),
    "uci": Study(
        "ten UCI sets, 4 folds, 5 seeds each",
        functools.partial(_uci, 1),
        _DEFAULT,
        seeds=20,
        epochs=60,
    ),
    "constraints": Study(
        "ten UCI sets, one fold",
        functools.partial(_uci, 4),
        methods.NAMES,
        seeds=5,
        epochs=60,
    ),
    "mnist": Study(
        "MNIST, 300-100 units, dropout of 0.2",
        functools.partial(_images, "MNIST", (300, 100), 0.2, "relu"),
        _DEFAULT,
        seeds=3,
        epochs=20,
        batch=100,
        rates=(0.0005, 0.001, 0.002),
    ),
    "persistent": Study(
        # States that are kept allow no noise, and smooth units suit them.
        "MNIST, 300-100 tanh units",
        functools.partial(_images, "MNIST", (300, 100), 0.0, "tanh"),
        (methods.BACKPROP, "lin", "persistent"),
        seeds=1,
        epochs=5,
        batch=100,
        rates=(0.0005, 0.001, 0.002),
    ),
}
