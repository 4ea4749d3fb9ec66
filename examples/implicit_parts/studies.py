"""What is swept: networks and data, methods, rates and seeds."""

import dataclasses
import functools

import keras
import numpy as np
from keras import ops

from examples.implicit_parts import data, methods, networks
from keras_bp.datasets import UCI_NAMES

_WIDE = np.logspace(-3, 3, 13)
# The grid of the authors for images, and one for music, to scale.
_NARROW = np.array(
    [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2]
)
_MUSIC = np.logspace(-2, 4, 13)
_ALL = methods.NAMES
_TOLD = (0.3162, 1.0, 3.162, 10.0, 100.0, 1000.0)


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One network on one set.

    Attributes:
        name: String.
        network: Function that returns a model.
        loss: `keras.losses.Loss`.
        data: Dictionary or function, as `learning_rate_sweep` takes it.
        epochs: Integer.
        batch: Integer.
    """

    name: str
    network: object
    loss: object
    data: object
    epochs: int = 1
    batch: int = 100


@dataclasses.dataclass(frozen=True)
class Study:
    """Sweeps whose results are told together.

    Attributes:
        sweeps: Function from a folder of data to a list of `Sweep`.
        methods: Tuple of names of `methods.make`.
        grid: Array of rates.
        seeds: Integer.
        metric: String, `"accuracy"` or `"loss"`.
        told: Tuple of rates whose results become rows.
    """

    sweeps: object
    methods: tuple
    grid: object
    seeds: int = 5
    metric: str = "accuracy"
    told: tuple = ()

    def with_seeds(self, seeds):
        """The same with another number of seeds, unless it is None."""
        if seeds is None:
            return self
        return dataclasses.replace(self, seeds=seeds)


def _classes():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _images(name, activation, count, epochs, data_dir):
    found = data.images(data_dir, True, count)
    features = found["train"][0].shape[1]
    units = (200, 100) if features == 784 else (50, 30)
    network = functools.partial(networks.mlp, features, 10, activation, units)
    return [Sweep(name, network, _classes(), found, epochs)]


def _uci(data_dir):
    made = []
    for name in UCI_NAMES:
        fold, features, classes = data.uci(name, data_dir)
        network = functools.partial(networks.uci, features, classes)
        made.append(Sweep(name, network, _classes(), fold, 10))
    return made


def _conv(data_dir):
    found = data.images(data_dir, False)
    return [Sweep("conv", networks.conv, _classes(), found)]


def _chorales(data_dir):
    loss = keras.losses.BinaryCrossentropy()
    found = data.chorales(data_dir)
    return [Sweep("chorales", networks.recurrent, loss, found, 5, 10)]


STUDIES = {
    "digits": Study(
        functools.partial(_images, "digits, ReLU", "relu", None, 30),
        ("explicit", "adam", "truncated", "layerwise", "dual"),
        np.logspace(-2, 3, 6),
        1,
    ),
    "relu": Study(
        functools.partial(_images, "MNIST, ReLU", "relu", None, 1),
        _ALL,
        _WIDE,
        told=_TOLD,
    ),
    "arctan": Study(
        functools.partial(_images, "MNIST, arctan", ops.arctan, None, 1),
        (*_ALL, methods.PUBLISHED),
        _WIDE,
        told=_TOLD,
    ),
    "uci": Study(_uci, (*_ALL, methods.PUBLISHED), _WIDE),
    "conv": Study(
        _conv,
        ("explicit", methods.PUBLISHED, "dual"),
        _NARROW,
        told=(0.7, 0.8, 1.0, 1.2, 1.5),
    ),
    "chorales": Study(
        _chorales,
        ("explicit", "adam", "truncated", methods.PUBLISHED, "dual"),
        _MUSIC,
        metric="loss",
    ),
}


def sweeps_of(study, data_dir):
    """The sweeps of a study, by its name: also for another process."""
    return STUDIES[study].sweeps(data_dir)
