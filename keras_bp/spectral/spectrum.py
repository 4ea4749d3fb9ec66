"""The spectrum of the metric that a generator induces."""

from keras_bp.spectral import _metric
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.jacobian_operator import JacobianOperator, columns_of


def spectrum(model, z, chunk=None):
    r"""Eigenvalues of the metric :math:`J^\top J` of a model at latents.

    They are the squares of the singular values of the Jacobian: how much the
    outputs change along each of the principal directions. Exact, by
    :math:`n` forward-mode derivatives; differentiable by weights and latents,
    also where eigenvalues are equal if what is made of them treats equal ones
    alike. They are computed in float64 from a Jacobian in the dtype of the
    model: one below `eps**2` of the largest is noise.

    Args:
        model: Built `keras.Model` or layer, of one input and one output, run
            in inference mode. See `JacobianOperator`.
        z: Float tensor or array `(batch, ...)`, latents of n entries.
        chunk: Integer, how many columns of the Jacobian are computed at a
            time; or None for all of them. Defaults to `None`.

    Returns:
        Float tensor `(batch, n)`, descending, in the dtype of the outputs, or
        float32 for bfloat16. Of more latents than outputs, the rest are zeros.

    Raises:
        TypeError, ValueError: See `JacobianOperator`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import spectrum
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.set_weights([np.diag([2.0, 3.0, 0.0])[:2], np.zeros(3)])
    >>> np.asarray(spectrum(model, np.ones((1, 2)))).tolist()
    [[9.0, 4.0]]

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499.
    """
    columns = columns_of(JacobianOperator(model, z), chunk)
    found = tf.reverse(_metric.eigenvalues(columns), axis=[-1])
    return tf.cast(found, _metric.narrow(columns.dtype))
