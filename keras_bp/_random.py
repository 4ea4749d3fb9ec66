"""Uniform noise that is the same in eager mode, in a graph, and under XLA.

On TensorFlow, `tf.random.stateless_uniform(dtype="float32")` is not: XLA turns
the random bits into a float by other bits than the kernels do, and the default
algorithm (`auto_select`) is another one under XLA, where it is also about a
hundred times slower on a CPU. The raw bits of `alg="philox"` do agree
everywhere, so they are drawn here and turned into floats by hand.
"""

import keras
from keras import ops

# Odd, and far from small numbers: replica seeds never meet layer seeds.
_REPLICA_STRIDE = 0x9E3779B97F4A7C1


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
    return deferred_uniform(shape, seed_generator, dtype)()


def deferred_uniform(shape, seed_generator, dtype="float32"):
    """Advances the generator now; returns a function that draws the noise.

    A backward pass that calls the function needs no memory for the noise
    between the two passes. Arguments as in `uniform`.
    """
    if keras.backend.backend() != "tensorflow":
        noise = keras.random.uniform(shape, dtype=dtype, seed=seed_generator)
        return lambda: noise

    seed = _fold_replica(seed_generator.next())
    return lambda: _philox_uniform(shape, seed, dtype)


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
