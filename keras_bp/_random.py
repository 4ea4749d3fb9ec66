"""Uniform noise that is the same in eager mode, in a graph, and under XLA.

On TensorFlow, `tf.random.stateless_uniform(dtype="float32")` is not, whatever
its algorithm: from equal random bits XLA makes other floats than the kernels
do. So the bits are drawn here, and made into floats by hand. The algorithm is
named because the default, `auto_select`, gives the same bits on a CPU but takes
some seventy times longer under XLA (`benchmarks.layers` shows it in Dropout).
"""

import math
import numbers
import zlib

import keras
from keras import ops

# Odd, and far from small numbers: replica seeds never meet layer seeds.
_REPLICA_STRIDE = 0x9E3779B97F4A7C1


def seed_generator(seed, layer):
    """A generator for the noise of `layer`.

    Layers of different classes get different noise from equal seeds: a mask
    with the noise of the unit before it would follow its output.

    Args:
        seed: Integer, or None for a random seed.
        layer: The layer that draws the noise.

    Returns:
        `keras.random.SeedGenerator`.
    """
    if seed is not None:
        if not isinstance(seed, numbers.Integral) or isinstance(seed, bool):
            raise TypeError(
                f"{type(layer).__name__} expects `seed` to be an integer or "
                f"None. Received: seed={seed!r}"
            )
        seed = (int(seed) ^ zlib.crc32(type(layer).__name__.encode())) % 2**31
    return keras.random.SeedGenerator(seed)


def uniform(shape, seed_generator, dtype="float32"):
    """Draws independent numbers, uniform in `[0, 1)`, on a grid of 2^-24.

    Args:
        shape: Tuple of integers or scalar tensors.
        seed_generator: `keras.random.SeedGenerator`, advanced by one draw.
        dtype: String, `"float32"` or `"float64"`. Never half precision:
            bfloat16 has 128 uniform values and would fire a unit of
            probability 0.001 about eight times too often.

    Returns:
        Tensor of `shape` and `dtype`.
    """
    return deferred_uniform(shape, seed_generator, dtype)(shape)


def normal(shape, seed_generator, dtype="float32"):
    """Draws independent standard normal numbers, below 5.8 in size.

    Equal up to rounding in eager mode, in a graph, and under XLA; the rest as
    in `uniform`.
    """
    pairs = uniform((2, *shape), seed_generator, dtype)
    # Box and Muller, 1958; the grid holds 0, of which there is no logarithm.
    radius = ops.sqrt(-2.0 * ops.log(1.0 - pairs[0]))
    return radius * ops.cos(2.0 * math.pi * pairs[1])


def seed(seed_generator):
    """Advances the generator; returns a seed of two integers, int32.

    For samplers of other packages. It differs between the replicas of
    `tf.distribute`.
    """
    found = seed_generator.next()
    if keras.backend.backend() == "tensorflow":
        found = _fold_replica(found)
    # A cast would clip large numbers to the same one.
    return ops.cast(found % 2**31, "int32")


def deferred_uniform(shape, seed_generator, dtype="float32"):
    """Advances the generator now; returns a function that draws the noise.

    A backward pass that calls the function needs no memory for the noise
    between the two passes. It gives the shape once more, since a shape of the
    forward pass is not known to XLA there. Arguments as in `uniform`.
    """
    if keras.backend.backend() != "tensorflow":
        noise = keras.random.uniform(shape, dtype=dtype, seed=seed_generator)
        return lambda shape: noise

    seed = _fold_replica(seed_generator.next())
    return lambda shape: _philox_uniform(shape, seed, dtype)


def _philox_uniform(shape, seed, dtype):
    import tensorflow as tf

    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype="uint32", alg="philox"
    )
    high = tf.bitwise.right_shift(bits, tf.constant(8, "uint32"))
    return tf.cast(high, dtype) * 2.0**-24


def _fold_replica(seed):
    """Gives each replica of `tf.distribute` a stream of its own."""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return seed
    replica = ops.cast(context.replica_id_in_sync_group, seed.dtype)
    stride = ops.cast(_REPLICA_STRIDE, seed.dtype)
    return seed + ops.stack([replica * stride, ops.zeros_like(replica)])
