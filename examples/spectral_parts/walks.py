"""Paths along eigenvectors of the metric, and along random directions."""

import numpy as np
import tensorflow as tf

from keras_bp.spectral import JacobianOperator, traverse

DIRECTIONS, STEPS = 3, 5


def eigenvector_paths(model, start, size):
    """Latents `(directions, starts, 2 * steps + 1, n)` along the largest.

    On the sphere of each start, beyond which no latents are.
    """
    return np.stack(
        [
            traverse(
                model, start, i, STEPS, size, "output", "sphere"
            ).latents.numpy()
            for i in range(DIRECTIONS)
        ]
    )


def random_paths(model, start, size):
    """The same along random great circles, of equal steps in the output."""
    rng = np.random.default_rng(1)
    shape = (DIRECTIONS, *start.shape)
    along = rng.standard_normal(shape).astype("float32")
    many = np.broadcast_to(start, shape)
    radius = np.linalg.norm(many, axis=-1, keepdims=True)
    unit = many / radius
    along = along - unit * np.sum(along * unit, axis=-1, keepdims=True)
    along *= radius / np.linalg.norm(along, axis=-1, keepdims=True)
    path = _circles(
        model,
        np.concatenate([many, many]).reshape(-1, shape[-1]),
        np.concatenate([-along, along]).reshape(-1, shape[-1]),
        size,
    )
    back, forth = path.reshape(STEPS, 2, *shape).swapaxes(0, 1)
    path = np.concatenate([back[::-1], many[None], forth])
    return np.moveaxis(path, 0, 2)


def _circles(model, start, along, size):
    """Points `(steps, starts, n)`, each step by the speed at its middle."""

    def place(angle):
        return tf.cos(angle) * start + tf.sin(angle) * along

    @tf.function(autograph=False)
    def turned(angle, share):
        forward = tf.cos(angle) * along - tf.sin(angle) * start
        tangent = JacobianOperator(model, place(angle)).jvp(forward)
        axes = tuple(range(1, len(tangent.shape)))
        speed = tf.sqrt(tf.reduce_sum(tf.square(tangent), axis=axes))
        # No more than a right angle, where hardly anything changes.
        return tf.minimum(share * size / (speed[:, None] + 1e-9), 1.57)

    points, angle = [], tf.zeros((len(start), 1))
    for _ in range(STEPS):
        half = angle + turned(angle, tf.constant(0.5))
        angle = angle + turned(half, tf.constant(1.0))
        points.append(place(angle).numpy())
    return np.stack(points)
