"""Log-determinants of a generator's metric, by several ways, and their time."""

import dataclasses
import statistics
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks import results, timing
from keras_bp.spectral import log_det_metric

OURS = "log_det_metric"
FLOOR = "n forward passes"
# What one would write in TensorFlow, and the same in a loop over the outputs,
# where all at once do not fit in memory.
AT_ONCE = "batch_jacobian, slogdet"
LOOPED = "batch_jacobian in a loop, slogdet"
# Outputs up to which all rows of the Jacobian are taken at once.
_FITS = 4096
# Speeds to reach at 32 x 32 x 3, of the value and of the gradient.
AIMS = {(32, False): 26, (32, True): 47, (128, False): 10, (128, True): 19}


@dataclasses.dataclass(frozen=True)
class Case:
    """A generator like that of a DCGAN, and a batch of latents.

    Attributes:
        size: Integer, a multiple of 8, pixels on a side.
        latents: Integer.
        batch: Integer.
    """

    size: int
    latents: int
    batch: int = 4

    def __str__(self):
        shape = f"{self.size} x {self.size} x 3"
        return f"{shape}, {self.latents} latents, batch {self.batch}"

    @property
    def outputs(self):
        return 3 * self.size**2

    @property
    def rival(self):
        return AT_ONCE if self.outputs <= _FITS else LOOPED

    def model(self):
        keras.utils.set_random_seed(0)
        side = self.size // 8
        return keras.Sequential(
            [
                keras.Input((self.latents,)),
                layers.Dense(side * side * 64),
                layers.LeakyReLU(),
                layers.Reshape((side, side, 64)),
                layers.Conv2DTranspose(32, 4, 2, "same"),
                layers.LeakyReLU(),
                layers.Conv2DTranspose(16, 4, 2, "same"),
                layers.LeakyReLU(),
                layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh"),
            ]
        )

    def data(self):
        random = np.random.default_rng(0)
        shape = self.batch, self.latents
        return tf.constant(random.normal(size=shape).astype("float32"))


def value_of(method, model, chunk=None):
    """A function from latents to a mean, that of log-determinants or so.

    Args:
        method: String, one of those above.
        model: `keras.Model`.
        chunk: Integer or None, of `log_det_metric`.
    """
    if method == OURS:
        return lambda z: tf.reduce_mean(log_det_metric(model, z, chunk=chunk))
    if method == FLOOR:
        return lambda z: tf.reduce_mean(model(tf.tile(z, (z.shape[1], 1))))
    at_once = method == AT_ONCE

    def value(z):
        with tf.GradientTape(persistent=not at_once) as tape:
            tape.watch(z)
            outputs = tf.reshape(model(z), (z.shape[0], -1))
        jacobian = tape.batch_jacobian(
            outputs, z, experimental_use_pfor=at_once
        )
        metric = tf.matmul(jacobian, jacobian, transpose_a=True)
        return tf.reduce_mean(tf.linalg.slogdet(metric)[1])

    return value


def function_of(method, case, gradient, chunk=None):
    """A function of no arguments that runs a method in a graph.

    It returns the value, and with `gradient` also the gradients by all
    weights.
    """
    model, z = case.model(), case.data()
    value = value_of(method, model, chunk)

    def slope(z):
        with tf.GradientTape() as tape:
            found = value(z)
        return found, tape.gradient(found, model.trainable_variables)

    traced = tf.function(slope if gradient else value, autograph=False)

    def run():
        return traced(z)

    run.trace = lambda: traced.get_concrete_function(z)
    return run


def timed_rows(case, gradient, rounds, rivals=True):
    """Time against that of TensorFlow's own, and against the floor.

    Args:
        case: `Case`.
        gradient: Boolean, whether gradients are taken too.
        rounds: Integer, how often each is timed.
        rivals: Boolean, whether that of TensorFlow is timed as well.

    Returns:
        List of `results.Row`.
    """
    names = [OURS, FLOOR]
    slow = case.rival == LOOPED
    if rivals and not slow:
        names.append(case.rival)
    functions = {
        name: waited(function_of(name, case, gradient)) for name in names
    }
    found = timing.compare(functions, rounds=rounds)
    if rivals and slow:
        # It takes a minute: traced before, and run once.
        function = function_of(LOOPED, case, gradient)
        function.trace()
        begin = time.perf_counter()
        waited(function)()
        found[LOOPED] = [time.perf_counter() - begin] * rounds
    what = "value and gradient" if gradient else "value"
    rows = [_against_floor(case, what, found)]
    if rivals:
        aim = AIMS.get((case.latents, gradient)) if case.size == 32 else None
        speeds = timing.ratios(found, case.rival, OURS)
        seconds = statistics.median(found[case.rival])
        once = ", once" if slow else ""
        rows.append(
            results.row(
                OURS,
                f"speed, {what}, {case}",
                statistics.median(speeds),
                "times",
                samples=speeds,
                against=f"{case.rival} ({1e3 * seconds:.0f} ms{once})",
                aim=f">= {aim}" if aim else None,
            )
        )
    return rows


def _against_floor(case, what, found):
    times = [1e3 * seconds for seconds in found[OURS]]
    return results.row(
        OURS,
        f"time, {what}, {case}",
        statistics.median(times),
        "ms",
        samples=times,
        against=FLOOR,
        against_value=1e3 * statistics.median(found[FLOOR]),
    )


def waited(function):
    """A function that returns once all that it computes is there."""

    def run():
        found = function()
        # What was computed last is there once it can be read.
        return [np.asarray(x) for x in keras.tree.flatten(found)]

    return run


def agreement_rows(case):
    """Differences of values and gradients, from TensorFlow's own."""
    (value, slopes), (expected, others) = (
        function_of(name, case, True)() for name in (OURS, case.rival)
    )
    difference, size = (
        np.sqrt(sum(float(tf.reduce_sum(x**2)) for x in tensors))
        for tensors in (
            [x - y for x, y in zip(slopes, others, strict=True)
             if x is not None],
            [y for y in others if y is not None],
        )
    )  # fmt: skip
    return [
        results.row(
            OURS,
            f"difference of the mean, {case}",
            abs(float(value - expected)),
            "nats",
            against=case.rival,
            aim="<= 1e-3",
        ),
        results.row(
            OURS,
            f"difference of gradients, relative, {case}",
            difference / size,
            "",
            against=case.rival,
            aim="<= 1e-3",
        ),
    ]
