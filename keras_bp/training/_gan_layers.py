"""Parts of the networks of GANs with binary neurons."""

import keras

from keras_bp._registration import serializable
from keras_bp.layers.binary_neuron import BinaryNeuron

NEURONS = ("dbn", "sbn", "real")
BATCH_NORMS = ("batch", "inert")


class Initializers:
    """Initializers, each with a seed of its own.

    Args:
        seed: Integer or None.
    """

    def __init__(self, seed):
        self._seed, self._count = seed, 0

    def initializer(self):
        seed = self._seed
        if seed is not None:
            seed = 1000 * seed + self._count
            self._count += 1
        return keras.initializers.TruncatedNormal(stddev=0.02, seed=seed)


@serializable
class InertBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that stays in inference mode: scale and shift.

    A class, since a functional model that is called with `training=True`
    overrules a layer that was called with `training=False`.
    """

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)


class BatchNorm:
    """Batch normalization that normalizes, or never does.

    Args:
        kind: String, of `BATCH_NORMS`, or None for none at all.
    """

    def __init__(self, kind):
        self._kind = kind

    def __call__(self, x):
        if self._kind is None:
            return x
        if self._kind == "inert":
            return InertBatchNormalization()(x)
        return keras.layers.BatchNormalization()(x)


def activated(x):
    """Batch normalization and ReLU."""
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def binary_end(neuron, estimator, seed):
    """The last layer of a generator."""
    if neuron == "real":
        return keras.layers.Activation("sigmoid")
    mode = "deterministic" if neuron == "dbn" else "stochastic"
    return BinaryNeuron(mode, estimator, seed=seed)
