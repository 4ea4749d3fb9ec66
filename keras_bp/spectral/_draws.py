"""Random vectors, the same in eager mode, in a graph, and under XLA."""

import numbers

import keras

from keras_bp import _random
from keras_bp.spectral._tensorflow import tf


def check_seed(seed, owner):
    """Raises unless `seed` is one of those that `seed_of` takes."""
    integer = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    generator = isinstance(seed, keras.random.SeedGenerator)
    if not (seed is None or integer or generator):
        raise TypeError(
            f"{owner} expects `seed` to be an integer, a "
            f"keras.random.SeedGenerator or None. Received: seed={seed!r}"
        )


def seed_of(seed):
    """Two integers, from which to draw.

    Args:
        seed: Integer; `keras.random.SeedGenerator`, which is advanced; or None
            for others at each call.
    """
    if seed is None:
        # Of an operation, so that a graph draws anew each time it runs.
        return tf.random.uniform((2,), maxval=2**31 - 1, dtype=tf.int32)
    if isinstance(seed, keras.random.SeedGenerator):
        return _random.seed(seed)
    return tf.constant([int(seed) % 2**31, 0x5EED], tf.int32)


def signs(shape, seed):
    """Independent -1 and 1, float64."""
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    # The lowest bit.
    return 1.0 - 2.0 * tf.cast(tf.bitwise.bitwise_and(bits, 1), tf.float64)


def uniform(shape, seed):
    """Independent numbers in (0, 1), float64."""
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return (tf.cast(bits, tf.float64) + 0.5) * 2.0**-32


def start(shape, seed):
    """Vectors of length one along the last axis, in no special direction."""
    found = uniform(shape, seed) - 0.5
    return found / tf.norm(found, axis=-1, keepdims=True)
