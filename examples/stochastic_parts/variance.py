"""The variance of the gradient of the encoder, at given weights."""

import keras
import numpy as np
import tensorflow as tf

from examples.stochastic_parts.networks import (
    encoder_weights,
    node_weights,
    set_weights,
    shared_weights,
)
from examples.stochastic_parts.training import batches, compiled


def half_square_distances(model, config, images, shared, own):
    r"""One estimate of the variance per weight for each batch.

    For two gradients :math:`g, g'` of the same batch with independent
    samples, :math:`\|g - g'\|^2 / (2 D)` is on average the variance, averaged
    over the :math:`D` weights of the encoder. `keras_bp.stochastic` has
    `gradient_variance` for a single batch; this one goes through many, the
    same ones for each estimator.

    Args:
        model: `SurrogateModel`.
        config: `Config`.
        images: `Images`.
        shared: Dictionary of arrays, weights of the networks.
        own: Dictionary of arrays, weights of the nodes.

    Returns:
        Array `(config.pairs,)`.
    """
    compiled(model, config)
    set_weights(shared_weights(model), shared)
    set_weights(node_weights(model), own)
    _tune(model, config, images)
    weights = encoder_weights(model)
    size = sum(int(np.prod(weight.shape)) for weight in weights)

    @tf.function(jit_compile=config.compiled, autograph=False)
    def gradient(x):
        with tf.GradientTape() as tape:
            surrogate = model.surrogate(x).surrogate
        return tape.gradient(surrogate, weights)

    @tf.function(autograph=False)
    def distance(x):
        pairs = zip(gradient(x), gradient(x), strict=True)
        total = sum(tf.reduce_sum((a - b) ** 2) for a, b in pairs)
        return total / (2 * size)

    data = batches(images.train, config.batch, config.pairs, seed=1000)
    return np.array([distance(x).numpy() for x in data], "float64")


def _tune(model, config, images):
    """Trains what the estimator has beside the networks, and nothing else."""
    weights = [w for w in node_weights(model).values() if w.trainable]
    if not weights:
        return
    optimizer = keras.optimizers.Adam(config.tuning_rate)
    optimizer.build(weights)

    @tf.function(jit_compile=config.compiled, autograph=False)
    def step(x):
        with tf.GradientTape() as tape:
            surrogate = model.surrogate(x, update=True).surrogate
        found = tape.gradient(surrogate, weights)
        optimizer.apply(found, weights)

    for x in batches(images.train, config.batch, config.tuning_steps, 2000):
        step(x)


def log_interval(distances, seed=0, rounds=2000):
    """The logarithm of the mean, with a 95% interval by the bootstrap.

    Args:
        distances: Array `(pairs,)`.
        seed: Integer.
        rounds: Integer, resamples.

    Returns:
        Value, low end, high end.
    """
    return log_ratio_interval(distances, np.ones_like(distances), seed, rounds)


def log_ratio_interval(distances, others, seed=0, rounds=2000):
    """The logarithm of the ratio of two means over the same batches.

    Arguments and what it returns are as in `log_interval`.
    """
    distances, others = np.asarray(distances), np.asarray(others)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(distances), size=(rounds, len(distances)))
    each = np.log(distances[rows].mean(axis=1) / others[rows].mean(axis=1))
    value = float(np.log(distances.mean() / others.mean()))
    low, high = np.quantile(each, (0.025, 0.975))
    return value, min(float(low), value), max(float(high), value)
