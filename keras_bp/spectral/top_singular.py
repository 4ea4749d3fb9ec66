"""The largest singular values of a model's Jacobian, and their vectors."""

from typing import NamedTuple

from keras_bp import _checks
from keras_bp.spectral import _draws, _metric, _solvers
from keras_bp.spectral._products import Products, pushed
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.jacobian_operator import JacobianOperator


class TopSingular(NamedTuple):
    """Singular values and vectors of the Jacobian of each example.

    Args:
        values: Tensor `(batch, k)`, singular values, descending.
        right: Tensor `(batch, n, k)`, the directions in latent space.
        left: Tensor `(batch, m, k)`, what they do to the outputs, at length
            one.
        residuals: Tensor `(batch, k)`, by how much the directions are not
            eigenvectors of the metric, as a part of its largest eigenvalue.

    Example:

    >>> from keras_bp.spectral import TopSingular
    >>> TopSingular._fields
    ('values', 'right', 'left', 'residuals')
    """

    values: object
    right: object
    left: object
    residuals: object


def top_singular(model, z, k, method="lanczos", iterations=None, seed=None):
    r"""The k largest singular values of a model's Jacobian, by its products.

    To follow or to punish the directions in which a generator is most
    sensitive. For up to hundreds of latents `spectrum` has all of them in less
    time.

    The values are :math:`\sigma_i = \lVert J\,u_i \rVert` with the vectors
    :math:`u_i` held constant, so that the derivative is exact where the
    vectors are, without the differences of eigenvalues that the derivative of
    eigenvectors is divided by. Vectors and residuals are constants to
    gradients.

    - `"lanczos"`: `iterations` steps (None for 10 k + 12, and at most n) of
      Lanczos from k vectors, orthogonalized in full. From one vector, of a
      value that is repeated a single copy would be found.
    - `"subspace"`: `iterations` (None for 40) products with a block of
      2 k + 4 vectors; slow where singular values are close, and simple.
    - `"lobpcg"`: `iterations` (None for 20) steps of locally optimal block
      conjugate gradients; for k up to n / 3.

    Whether they have converged, the residuals tell: a value is as exact as the
    square of its residual, if it is not close to the next.

    Args:
        model: Built `keras.Model` or layer, of one input and one output, run
            in inference mode. See `JacobianOperator`.
        z: Float tensor or array `(batch, ...)`, latents of n entries.
        k: Integer, at most the number of latents, and of outputs.
        method: String, as above. Defaults to `"lanczos"`.
        iterations: Integer, or None. Defaults to `None`.
        seed: Integer, `keras.random.SeedGenerator`, or None, of the vectors to
            start from; with None they are the same at each call.
            Defaults to `None`.

    Returns:
        `TopSingular`.

    Raises:
        TypeError: See `JacobianOperator`, or a number is no integer.
        ValueError: See `JacobianOperator`, or an argument is out of range.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import top_singular
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.set_weights([np.diag([2.0, 3.0, 0.0])[:2], np.zeros(3)])
    >>> found = top_singular(model, np.ones((1, 2)), k=1)
    >>> np.allclose(found.values, 3.0), np.allclose(abs(found.right[0, 1]), 1)
    (True, True)

    Reference:
        Golub and Van Loan, Matrix Computations, 2013, chapter 10; Knyazev,
        2001, https://doi.org/10.1137/S1064827500366124 (LOBPCG).
    """
    owner = "top_singular"
    _checks.check_one_of("method", method, _solvers.METHODS, owner=owner)
    _checks.check_integer("k", k, owner=owner, minimum=1)
    if iterations is not None:
        _checks.check_integer("iterations", iterations, owner=owner, minimum=1)
    _draws.check_seed(seed, owner)
    operator = JacobianOperator(model, z)
    if k > min(operator.shape):
        raise ValueError(
            f"{owner} expects `k` to be at most the number of latents and of "
            f"outputs. Received: k={k}, {operator.shape[1]} latents and "
            f"{operator.shape[0]} outputs"
        )
    seed = _draws.seed_of(0 if seed is None else seed)
    ritz, vectors = _solvers.METHODS[method](operator, k, iterations, seed)
    residuals = Products(operator, k)(vectors) - ritz[:, :, None] * vectors
    residuals = tf.norm(residuals, axis=-1) / tf.maximum(ritz[:, :1], 1e-300)
    along = pushed(operator, vectors)
    values = _lengths(along)
    left = tf.stop_gradient(along / tf.maximum(values[:, :, None], 1e-300))
    dtype = _metric.narrow(operator.dtype)
    return TopSingular(
        tf.cast(values, dtype),
        tf.cast(tf.linalg.matrix_transpose(vectors), dtype),
        tf.cast(tf.linalg.matrix_transpose(left), dtype),
        tf.cast(residuals, dtype),
    )


def _lengths(vectors):
    """Norms, with a gradient of zero at zero."""
    square = tf.reduce_sum(tf.square(vectors), axis=-1)
    none = square == 0
    root = tf.sqrt(tf.where(none, tf.ones_like(square), square))
    return tf.where(none, tf.zeros_like(square), root)
