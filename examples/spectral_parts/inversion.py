"""Latents that a generator makes images of as near as it can."""

import numpy as np
import tensorflow as tf


def invert(model, images, latents, starts=4, steps=250, rate=0.1):
    """Minimizes the squared error of each image by Adam, from some starts.

    Args:
        model: Generator of images.
        images: Array `(images, height, width, 1)`.
        latents: Integer, dimensions.
        starts: Integer, of each image; the best one is kept.
        steps: Integer.
        rate: Float, of Adam at the beginning; it falls to zero.

    Returns:
        Pair of arrays: latents `(images, latents)`, and root mean squared
        errors of their pixels `(images,)`.
    """
    count = len(images)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((starts * count, latents), "float32")
    wanted = tf.constant(np.tile(images, (starts, 1, 1, 1)), "float32")
    axes = tuple(range(1, len(images.shape)))

    def errors(z):
        made = tf.cast(model(z, training=False), "float32")
        return tf.reduce_mean(tf.square(made - wanted), axis=axes)

    @tf.function(autograph=False)
    def run(z):
        def step(i, z, mean, square):
            with tf.GradientTape() as tape:
                tape.watch(z)
                loss = tf.reduce_sum(errors(z))
            slope = tape.gradient(loss, z)
            mean = 0.9 * mean + 0.1 * slope
            square = 0.99 * square + 0.01 * tf.square(slope)
            done = tf.cast(i + 1, z.dtype)
            moved = mean / (1 - 0.9**done)
            moved = moved / (tf.sqrt(square / (1 - 0.99**done)) + 1e-8)
            left = 1 - tf.cast(i, z.dtype) / steps
            return i + 1, z - rate * left * moved, mean, square

        zeros = tf.zeros_like(z)
        _, z, *_ = tf.while_loop(
            lambda i, *_: i < steps, step, (tf.constant(0), z, zeros, zeros)
        )
        return z, errors(z)

    found, error = (x.numpy() for x in run(tf.constant(z)))
    error = error.reshape(starts, count)
    best = error.argmin(axis=0)
    found = found.reshape(starts, count, latents)[best, np.arange(count)]
    return found, np.sqrt(error.min(axis=0))
