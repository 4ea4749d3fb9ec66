"""Bias, variance and time of the gradient of a graph's offsets."""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from examples.backprop_q_parts.graphs import ONE
from keras_bp.training import BackpropQModel, CriticOptions, SurrogateModel

# Of bits, and of normal nodes.
MODES = ("all_action", "advantage", "control_variate")
NORMAL_MODES = ("reparameterized", "advantage", "control_variate")


@dataclasses.dataclass(frozen=True)
class Config:
    """How much is done.

    Attributes:
        steps: Integer, of the critics.
        rows: Integer, samples in a batch.
        blocks: Integer, batches of which mean and variance are taken.
        units: Integer, of each critic.
        rate: Float, the first learning rate of Adam, which falls to zero.
    """

    steps: int = 1200
    rows: int = 512
    blocks: int = 100
    units: int = 32
    rate: float = 0.02


@dataclasses.dataclass(frozen=True)
class Measured:
    """Estimates of the gradient.

    Attributes:
        mean: Array, one number for each offset.
        error: Array, its standard error.
        variance: Array, of one estimate.
        seconds: Float, for a batch.
    """

    mean: np.ndarray
    error: np.ndarray
    variance: np.ndarray
    seconds: float

    def bias(self, exact):
        """Distance from the exact gradient, and its noise, of its size."""
        size = np.linalg.norm(exact)
        return (
            float(np.linalg.norm(self.mean - exact) / size),
            float(np.linalg.norm(self.error) / size),
        )

    def worst_z(self, exact):
        least = 1e-5 * np.abs(exact).max()
        error = np.maximum(self.error, least)
        return float(np.abs((self.mean - exact) / error).max())


def exact_gradient(graph, model):
    """In closed form for normal nodes, else by going through all states."""
    if graph.normal:
        return graph.known_gradient()
    nodes = tuple(model.stochastic_graph.nodes)
    return _gradient(model, 1, nodes).numpy()[0]


def measured(model, config):
    """Mean and variance of many batches.

    Args:
        model: Compiled `SurrogateModel` of a `Graph`.
        config: `Config`.

    Returns:
        `Measured`.
    """
    run = tf.function(lambda: _gradient(model, config.rows)[0])
    run()
    begin = time.perf_counter()
    found = np.array(
        [run().numpy() for _ in range(config.blocks)], dtype="float64"
    )
    seconds = (time.perf_counter() - begin) / config.blocks
    variance = found.var(axis=0, ddof=1)
    return Measured(
        found.mean(axis=0),
        np.sqrt(variance / config.blocks),
        variance * config.rows,
        seconds,
    )


def _gradient(model, rows, enumerated=()):
    (weight,) = model.trainable_variables
    x = tf.repeat(tf.constant(ONE), rows, axis=0)
    with tf.GradientTape() as tape:
        found = model.surrogate(x, enumerated=enumerated)
    return tape.gradient(found.surrogate, weight.value)


def scored(graph):
    """A graph with the score function, and no baseline."""
    model = graph.model(SurrogateModel, "score")
    model.compile("sgd")
    return model


def with_critics(graph, config, seed=0):
    """A graph with critics that have been trained, and how long it took.

    Args:
        graph: `Graph`.
        config: `Config`.
        seed: Integer.

    Returns:
        Pair of a `BackpropQModel` and seconds.
    """
    keras.utils.set_random_seed(seed)
    model = graph.model(BackpropQModel, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(config.rate, config.steps)
    model.compile(
        "sgd",
        keras.optimizers.Adam(rate),
        critic=CriticOptions(units=(config.units,)),
    )
    x = tf.repeat(tf.constant(ONE), config.rows, axis=0)

    @tf.function
    def train():
        for _ in tf.range(config.steps):
            model.train_critics(x)

    begin = time.perf_counter()
    train()
    return model, time.perf_counter() - begin


def in_mode(model, mode):
    """The same critics, compiled anew for another mode."""
    weights = [keras.ops.convert_to_numpy(x) for x in model.critics.variables]
    # Copies: an array may be the variable itself.
    weights = [x.copy() for x in weights]
    model.compile("sgd", mode=mode, critic=model.critic_options)
    for variable, value in zip(model.critics.variables, weights, strict=True):
        variable.assign(value)
    return model
