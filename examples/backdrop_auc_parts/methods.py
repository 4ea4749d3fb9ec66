"""The ways of training that are compared, on one network."""

import keras
import numpy as np
from keras import layers

from examples.backdrop_auc_parts import libauc_session
from keras_bp.layers import BackdropMask
from keras_bp.losses import PairwiseAUC

# The whole set is one batch; so much of it is masked.
MASKED = {"backdrop-0": 0.0, "backdrop-0.5": 0.5, "backdrop-0.9": 0.9}
CROSSENTROPY, PAIRS, LIBAUC = "crossentropy", "pairs", "libauc"
# Cross-entropy first: its time is that of the others.
NAMES = (CROSSENTROPY, PAIRS, *MASKED, LIBAUC)
# PESG's own rate is 0.1, where that of Adam is 0.001; after a look at both
# ends of the grid.
_PESG = 30.0
_UNITS = (64, 32)
# Whether steps are compiled by XLA.
JIT_COMPILE = True


def network(features, rate=0.0):
    """A small network of one score, with a mask at its head."""
    hidden = [layers.Dense(units, activation="relu") for units in _UNITS]
    mask = [BackdropMask(rate, granularity="sample")] if rate else []
    return keras.Sequential(
        [keras.Input((features,)), *hidden, layers.Dense(1), *mask]
    )


def session(name, features, seeds):
    """What trains by a method.

    Args:
        name: String, of `NAMES`.
        features: Integer.
        seeds: Iterable of integers, all that it will begin with.

    Returns:
        Object with `begin`, `advance` and `scores`.
    """
    if name == LIBAUC:
        weights = {}
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            weights[seed] = network(features).get_weights()
        return libauc_session.LibAUCSession(weights, _PESG)
    loss = PairwiseAUC()
    if name == CROSSENTROPY:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return KerasSession(features, MASKED.get(name, 0.0), loss, seeds)


def order(name, y, seed, epoch, batch):
    """The examples of the steps of an epoch, `(steps, examples)`.

    What does not fill the last batch is left out, other examples each time.
    """
    if name in MASKED:
        return np.arange(len(y))[None]
    rng = np.random.default_rng([seed, epoch])
    steps = len(y) // batch
    if name != LIBAUC:
        return rng.permutation(len(y))[: steps * batch].reshape(steps, batch)
    # As its DualSampler does: half of each batch is positive.
    halves = []
    for label in (1, 0):
        own, wanted = np.flatnonzero(y == label), steps * (batch // 2)
        rounds = -(-wanted // len(own))
        drawn = np.concatenate([rng.permutation(own) for _ in range(rounds)])
        halves.append(drawn[:wanted].reshape(steps, -1))
    return np.concatenate(halves, axis=1)


class KerasSession:
    """A model that is traced once, and begun anew for each run.

    Args:
        features: Integer.
        rate: Float, of the mask.
        loss: `keras.losses.Loss`.
        seeds: Iterable of integers.
    """

    def __init__(self, features, rate, loss, seeds):
        import tensorflow as tf

        # Before anything is traced: a global seed makes TensorFlow forget it.
        self._initial = {}
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            self._model = network(features, rate)
            self._initial[seed] = [v.numpy() for v in self._model.variables]
        self._model.compile(keras.optimizers.Adam(), loss, jit_compile=False)
        self._model.optimizer.build(self._model.trainable_variables)
        self._traced = tf.function(
            self._steps, jit_compile=JIT_COMPILE, autograph=False
        )
        self._known = set()

    def begin(self, seed, rate, x, y, first):
        """Sets everything anew.

        Args:
            seed: Integer.
            rate: Float, the learning rate.
            x, y: Arrays for training.
            first: Array of an `order`, by which steps are compiled.
        """
        import tensorflow as tf

        self._data = tf.constant(x), tf.constant(y[:, None])
        if (first.shape, x.shape) not in self._known:
            self._known.add((first.shape, x.shape))
            self._reset(seed, rate)
            self.advance(first)
        self._reset(seed, rate)

    def _reset(self, seed, rate):
        known = self._model.variables
        for variable, value in zip(known, self._initial[seed], strict=True):
            variable.assign(value)
        for variable in self._model.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self._model.optimizer.learning_rate.assign(rate)

    def advance(self, order):
        """Takes the steps of an order of examples."""
        import tensorflow as tf

        order = tf.constant(order, "int32")
        float(self._traced(*self._data, order))

    def _steps(self, x, y, order):
        import tensorflow as tf

        def step(index, _):
            batch = order[index]
            found = self._model.train_step(
                (tf.gather(x, batch), tf.gather(y, batch))
            )
            return index + 1, found["loss"]

        count = tf.shape(order)[0]
        return tf.while_loop(lambda i, _: i < count, step, [0, 0.0])[1]

    def scores(self, x):
        """Array of the scores of some examples."""
        return np.array(self._model(x, training=False))[:, 0]
