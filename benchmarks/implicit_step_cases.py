"""What `benchmarks.implicit_step` measures."""

import dataclasses
import statistics

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks import results, timing
from keras_bp.training import make_implicit

# Each against SGD; only the joint step has an aim.
METHODS = ("dual", "layerwise", "truncated", "adam")


def _mlp():
    return [
        keras.Input((784,)),
        layers.Dense(1024, activation="relu"),
        layers.Dense(1024, activation="relu"),
        layers.Dense(10),
    ]


def _conv():
    # The network of the authors, without dropout.
    return [
        keras.Input((28, 28, 1)),
        layers.Conv2D(10, 5),
        layers.MaxPooling2D(),
        layers.ReLU(),
        layers.Conv2D(20, 5),
        layers.MaxPooling2D(),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(50, activation=keras.ops.arctan),
        layers.Dense(10, activation="relu"),
    ]


def _lstm():
    return [
        keras.Input((50, 88)),
        layers.LSTM(200, return_sequences=True),
        layers.Dense(88),
    ]


@dataclasses.dataclass(frozen=True)
class Case:
    """A network and its batches.

    Attributes:
        name: String.
        make: Function that returns the layers.
        shape: Tuple of integers, of a batch.
        units: Integer, of what is predicted: classes, or bits of each step.
        aim: String, what the joint step should keep to.
    """

    name: str
    make: object
    shape: tuple
    units: int
    aim: str

    def batches(self):
        """The same batch for ever; its size is unknown, as in `fit`."""
        random = np.random.default_rng(0)
        x = random.random(self.shape).astype("float32")
        if len(self.shape) == 3:
            y = random.random((*self.shape[:2], self.units)) < 0.1
            y = y.astype("float32")
        else:
            y = random.integers(0, self.units, self.shape[0])
        data = tf.data.Dataset.from_tensor_slices((x, y))
        return iter(data.batch(self.shape[0]).cache().repeat())

    def loss(self):
        if len(self.shape) == 3:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


CASES = {
    "mlp": Case("MLP 784-1024-1024-10", _mlp, (128, 784), 10, "<= 1.25"),
    "conv": Case("conv net", _conv, (128, 28, 28, 1), 10, "<= 1.3"),
    "lstm": Case("LSTM 88-200-88", _lstm, (32, 50, 88), 88, "<= 1.5"),
}


def trainer(case, method, jit_compile):
    """Makes what trains on one batch.

    Args:
        case: `Case`.
        method: String, "sgd", "adam" or a rule of `make_implicit`.
        jit_compile: Boolean, whether XLA compiles it.

    Returns:
        Function without arguments that returns when the batch is done.
    """
    keras.utils.set_random_seed(0)
    model, batches = keras.Sequential(case.make()), case.batches()
    if method not in ("sgd", "adam"):
        model = make_implicit(model, rule=method, seed=0)
        # Past the first steps, in each of which curvature is measured.
        model.steps.assign(1000)
    optimizer = (
        keras.optimizers.Adam(1e-4)
        if method == "adam"
        else keras.optimizers.SGD(0.01)
    )
    model.compile(optimizer, case.loss(), jit_compile=jit_compile)
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()
    return lambda: float(model.train_function(batches)["loss"])


def rows(case, jit_compile, rounds, seconds_per_round=0.2, methods=METHODS):
    """The time of one step, of all methods in turns.

    Args:
        case: `Case`.
        jit_compile: Boolean, whether XLA compiles all of them.
        rounds: Integer, how often each is timed.
        seconds_per_round: Float, how long one timing lasts at least.
        methods: Tuple of names.

    Returns:
        List of `results.Row`.
    """
    names = ("sgd", *methods)
    found = timing.compare(
        {name: trainer(case, name, jit_compile) for name in names},
        rounds=rounds,
        seconds_per_round=seconds_per_round,
    )
    took = 1e3 * statistics.median(found["sgd"])
    made = []
    for name in methods:
        ratios = timing.ratios(found, name, "sgd")
        made.append(
            results.row(
                name,
                f"step, {case.name}, {'XLA' if jit_compile else 'graph'}",
                statistics.median(ratios),
                "times",
                samples=ratios,
                against=f"SGD ({took:.1f} ms)",
                aim=case.aim if name == "dual" else None,
            )
        )
    return made
