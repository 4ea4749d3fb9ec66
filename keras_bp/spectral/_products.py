"""Products of the metric with blocks of vectors."""

from keras_bp.spectral._evaluation import required
from keras_bp.spectral._tensorflow import tf


class Products:
    """The metric of each example, times several vectors.

    Args:
        operator: `JacobianOperator`.
        copies: Integer, vectors of each example.
    """

    def __init__(self, operator, copies):
        self.operator, self.copies = operator, copies
        self.n = operator.shape[1]
        self._latents = tf.repeat(operator.latents, copies, axis=0)

    @property
    def batch(self):
        return tf.shape(self.operator.latents)[0]

    def __call__(self, vectors):
        """Products, constants to gradients.

        Args:
            vectors: Float64 tensor `(batch, copies, n)`.

        Returns:
            Float64 tensor of that shape.
        """
        z = self._latents
        along = tf.reshape(tf.cast(vectors, z.dtype), tf.shape(z))
        evaluation = self.operator.evaluation
        found = required(evaluation.gram(z, along), evaluation.owner)
        found = tf.reshape(tf.cast(found, tf.float64), tf.shape(vectors))
        found.set_shape((None, self.copies, self.n))
        return tf.stop_gradient(found)


def pushed(operator, vectors, chunk=None):
    """Products of Jacobians with constant vectors, to be differentiated.

    Args:
        operator: `JacobianOperator`.
        vectors: Float64 tensor `(batch, count, n)`.
        chunk: Integer or None, of `JacobianOperator.dense`.

    Returns:
        Float64 tensor `(batch, count, m)`.
    """
    given = tf.cast(tf.transpose(vectors, (1, 0, 2)), operator.latents.dtype)
    found = operator.push(given, chunk)
    return tf.cast(tf.transpose(found, (1, 0, 2)), tf.float64)
