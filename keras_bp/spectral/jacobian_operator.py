"""The Jacobian of a model, as an operator."""

import math

from keras_bp import _checks
from keras_bp.spectral import _columns
from keras_bp.spectral._evaluation import Evaluation, required
from keras_bp.spectral._inputs import checked_latents
from keras_bp.spectral._inspection import check_modes
from keras_bp.spectral._tensorflow import tf


class JacobianOperator:
    r"""Products with the Jacobian :math:`J` of a model's outputs by latents.

    For what the rest of this room does not have ready. A generator has far
    more outputs, :math:`m`, than latents, :math:`n`, and forward mode takes
    the :math:`n` columns of :math:`J` where `tape.batch_jacobian` takes its
    :math:`m` rows. Each example has a Jacobian of its own, `(m, n)`, in the
    order of the flattened outputs and latents. All products can be
    differentiated by weights and latents.

    TensorFlow takes the derivative of some operations to be zero in forward
    mode. Here it is right, or an error that names the layer: a model is
    looked through when it is first used, and each of its layers is held
    against reverse mode. Interpolation (`UpSampling2D`, `Resizing`) and
    recurrent layers run in a form that has a derivative. Refused are what
    draws random numbers, what couples the examples of a batch (as batch
    normalization in training mode), and what has a gradient of its own (as
    `keras_bp.layers.BinaryNeuron`).

    Products are not to be used inside of another
    `tf.autodiff.ForwardAccumulator`: nested ones are wrong in eager mode.

    Args:
        model: Built `keras.Model` or layer, of one input and one output.
        z: Float tensor or array `(batch, ...)`, the latents. An array is
            converted to the dtype of the model's input.
        training: Boolean, the mode of the model. Defaults to `False`.

    Attributes:
        shape: Pair of integers, `(m, n)`.
        latents: Tensor `(batch, ...)`.
        outputs: Tensor `(batch, ...)`, what the model makes of the latents.

    Raises:
        TypeError: `model` is no layer, or numbers are not real, or float16.
        ValueError: The model is not built, has several inputs or outputs, does
            not fit `z`, or has a layer without a forward mode.
        RuntimeError: Keras does not run on TensorFlow.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import JacobianOperator
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> jacobian = JacobianOperator(model, np.ones((5, 2)))
    >>> jacobian.shape
    (3, 2)
    >>> np.allclose(jacobian.dense()[0], model.weights[0].numpy().T)
    True
    """

    def __init__(self, model, z, training=False):
        owner = self.owner = type(self).__name__
        self.latents = checked_latents(model, z, owner)
        self.evaluation = Evaluation(model, bool(training), owner)
        found = check_modes(self.evaluation, self.latents)
        size, self.dtype, self.precision = found
        self.shape = size, math.prod(self.latents.shape[1:])
        self._outputs = None

    @property
    def outputs(self):
        if self._outputs is None:
            self._outputs = self.evaluation(self.latents)
        return self._outputs

    def jvp(self, v):
        """Products with the Jacobian.

        Args:
            v: Float tensor of the shape of the latents, or `(batch, n)`.

        Returns:
            Float tensor of the shape of the outputs.
        """
        z = self.latents
        self._outputs, found = self.evaluation.jvp(z, self._like(v, z))
        return required(found, type(self).__name__)

    def vjp(self, u):
        """Products with the transposed Jacobian.

        Args:
            u: Float tensor of the shape of the outputs, or `(batch, m)`.

        Returns:
            Float tensor of the shape of the latents.
        """
        z = self.latents
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            outputs = self.evaluation(z)
        self._outputs = outputs
        u = self._like(u, outputs)
        found = tape.gradient(outputs, z, output_gradients=u)
        return required(found, type(self).__name__)

    def gram_matvec(self, v):
        """Products with the metric, the transposed Jacobian times itself.

        Args:
            v: Float tensor of the shape of the latents, or `(batch, n)`.

        Returns:
            Float tensor of the shape of the latents.
        """
        z = self.latents
        found = self.evaluation.gram(z, self._like(v, z))
        return required(found, type(self).__name__)

    def dense(self, chunk=None):
        """The Jacobian itself.

        Args:
            chunk: Integer, how many columns are computed at a time, which
                bounds the memory, in gradients too; or None for all of them.

        Returns:
            Float tensor `(batch, m, n)`.
        """
        return tf.linalg.matrix_transpose(columns_of(self, chunk))

    def push(self, directions, chunk=None):
        """Products with many vectors, which are constants to gradients.

        Args:
            directions: Float tensor `(count, batch, n)`.
            chunk: As of `dense`.

        Returns:
            Float tensor `(count, batch, m)`.
        """
        if chunk is not None:
            owner = f"{type(self).__name__}.dense"
            _checks.check_integer("chunk", chunk, owner=owner, minimum=1)
        return _columns.pushed(self.evaluation, self.latents, directions, chunk)

    def _like(self, x, target):
        x = tf.cast(tf.convert_to_tensor(x), target.dtype)
        size = math.prod(target.shape[1:])
        if x.shape[1:] != target.shape[1:] and x.shape[1:] != (size,):
            raise ValueError(
                f"{type(self).__name__} expects a vector for each example, of "
                f"the shape {tuple(target.shape)}, or flattened. Received: "
                f"shape={tuple(x.shape)}"
            )
        return tf.reshape(x, tf.shape(target))


def columns_of(operator, chunk=None):
    """The transposed Jacobian `(batch, n, m)`, in the order of its making."""
    batch, n = tf.shape(operator.latents)[0], operator.shape[1]
    basis = tf.eye(n, dtype=operator.latents.dtype)
    basis = tf.broadcast_to(basis[:, None], (n, batch, n))
    return tf.transpose(operator.push(basis, chunk), (1, 0, 2))
