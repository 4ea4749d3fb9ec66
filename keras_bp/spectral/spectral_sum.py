"""Sums of a function over the spectrum of a generator's metric."""

from keras_bp.spectral import _sums
from keras_bp.spectral._tensorflow import tf

_MEMBERS = ("identity", "inverse", "log", "sqrt", "square")


class SpectralSum:
    r"""Sums a function over the eigenvalues of :math:`M = J^\top J`.

    .. math:: F(M) = \operatorname{tr} f(M) = \sum_i f(\lambda_i)

    For what `log_det_metric` is one case of: the trace (`"identity"`), the
    nuclear norm of the Jacobian (`"sqrt"`), powers, soft bounds of the
    spectrum. An instance is a function of a model and latents.

    Args:
        f: String, `"log"`, `"identity"`, `"square"`, `"sqrt"` or `"inverse"`;
            or a function of a float64 tensor of eigenvalues to a tensor of its
            shape, entry by entry, that can be differentiated.
        method: String, see `log_det_metric`. Defaults to `"exact"`.
        ridge: Float, zero or more, added to all eigenvalues.
            Defaults to `0`.
        probes: Integer or None, see `log_det_metric`. Defaults to `None`.
        degree: Integer or None, see `log_det_metric`. Defaults to `None`.
        seed: Integer, `keras.random.SeedGenerator` or None, see
            `log_det_metric`. Defaults to `None`.
        chunk: Integer or None, see `log_det_metric`. Defaults to `None`.

    Call arguments:
        model: Built `keras.Model` or layer. See `JacobianOperator`.
        z: Float tensor or array `(batch, ...)`, latents.
        return_error: Boolean, whether to return an error as well, see
            `log_det_metric`.

    Raises:
        TypeError: `f` is neither a string nor a function.
        ValueError: An argument is unknown or out of range.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import SpectralSum
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.set_weights([np.diag([2.0, 3.0, 0.0])[:2], np.zeros(3)])
    >>> trace = SpectralSum("identity")
    >>> np.allclose(trace(model, np.ones((1, 2))), 4.0 + 9.0)
    True

    Reference:
        Han et al., 2017, https://arxiv.org/abs/1606.00942.
    """

    def __init__(
        self,
        f,
        method="exact",
        ridge=0.0,
        probes=None,
        degree=None,
        seed=None,
        chunk=None,
    ):
        owner = type(self).__name__
        if not callable(f) and f not in _MEMBERS:
            kind = ValueError if isinstance(f, str) else TypeError
            raise kind(
                f"{owner} expects `f` to be a function or one of "
                f"{list(_MEMBERS)}. Received: f={f!r}"
            )
        self.f = f
        self.options = _sums.checked(
            owner, method, ridge, probes, degree, seed, chunk
        )

    def __call__(self, model, z, return_error=False):
        function = self.f if callable(self.f) else _function(self.f)
        found, error = _sums.spectral_sum(
            model, z, function, self.options, type(self).__name__
        )
        return (found, error) if return_error else found


def _function(name):
    return {
        "identity": tf.identity,
        "inverse": tf.math.reciprocal,
        "log": tf.math.log,
        "sqrt": _root,
        "square": tf.square,
    }[name]


def _root(x):
    """The square root, with a gradient of zero at zero."""
    none = x == 0
    return tf.where(none, 0.0 * x, tf.sqrt(tf.where(none, 1.0 + 0.0 * x, x)))
