"""What estimates from random vectors have in common."""

from keras_bp.spectral._products import pushed
from keras_bp.spectral._tensorflow import tf


def derivative_of(function, values):
    """The derivative of a function at each of some values."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = function(values)
    slope = tape.gradient(found, values, unconnected_gradients="zero")
    return tf.stop_gradient(slope)


def mean_with_gradient(operator, estimates, probes, pulled):
    """The mean of estimates, with the gradient of the sum that they estimate.

    That of tr f(M) is tr f'(M) dM, of which v' f'(M) dM v is an estimate.

    Args:
        operator: `JacobianOperator`.
        estimates: Float64 tensor `(batch, probes)`.
        probes: Float64 tensor `(batch, probes, n)`, v.
        pulled: Float64 tensor of that shape, f'(M) v.

    Returns:
        Means `(batch,)`, and their standard errors, infinite for one probe.
    """
    count = probes.shape[1]
    along = pushed(operator, tf.concat([probes, pulled], axis=1))
    slope = tf.reduce_sum(along[:, :count] * along[:, count:], axis=-1)
    slope = tf.reduce_mean(slope, axis=-1)
    value = tf.reduce_mean(estimates, axis=-1)
    found = tf.stop_gradient(value - slope) + slope
    if count == 1:
        return found, tf.fill(
            tf.shape(value), tf.constant(float("inf"), tf.float64)
        )
    spread = tf.reduce_sum(tf.square(estimates - value[:, None]), axis=-1)
    return found, tf.sqrt(spread / (count - 1) / count)
