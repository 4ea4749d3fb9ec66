"""Density of a generator's outputs on the manifold that they make."""

import math

from keras_bp import _checks
from keras_bp.spectral._inputs import checked_latents
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.log_det_metric import log_det_metric

PRIORS = ("normal", "uniform")


def implicit_log_likelihood(model, z, prior="normal", **options):
    r"""Log-likelihood of what a generator makes of latents, under itself.

    .. math:: \log p(G(z)) = \log p(z) - \tfrac12 \log\det J^\top J

    A density with respect to the volume of the manifold :math:`G(z)`, and of
    nothing beside it: of data, it is that of the point of the manifold which
    `z` stands for, and to be told together with the distance to it. It takes
    the generator to be one-to-one.

    Args:
        model: Built `keras.Model` or layer, of one input and one output, run
            in inference mode. See `JacobianOperator`.
        z: Float tensor or array `(batch, ...)`, latents.
        prior: The density of latents. `"normal"`, standard and independent;
            `"uniform"` on [-1, 1] in each entry; a function from latents to
            log-densities `(batch,)`; or an object with such a `log_prob`, as
            of TensorFlow Probability. Defaults to `"normal"`.
        **options: Of `log_det_metric`, such as `ridge` or `method`. With
            `return_error`, a pair of the likelihood and its error.

    Returns:
        Float tensor `(batch,)`.

    Raises:
        TypeError: `prior` is neither, or see `log_det_metric`.
        ValueError: `prior` gives another shape, or see `log_det_metric`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import implicit_log_likelihood
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> model.set_weights([np.diag([2.0, 3.0]), np.zeros(2)])
    >>> found = implicit_log_likelihood(model, np.zeros((1, 2)))
    >>> np.allclose(found, -np.log(2 * np.pi) - np.log(6))
    True

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499.
    """
    owner = "implicit_log_likelihood"
    density = _density(prior, owner)
    z = checked_latents(model, z, owner)
    found = log_det_metric(model, z, **options)
    found, *errors = found if options.get("return_error") else (found,)
    log_prior = tf.convert_to_tensor(density(z))
    if not log_prior.shape.is_compatible_with(z.shape[:1]):
        raise ValueError(
            f"{owner} expects `prior` to give one log-density for each "
            "example, summed over the entries of its latents "
            "(tfp.distributions.Independent does so). Received: "
            f"shape={tuple(log_prior.shape)} for latents of the shape "
            f"{tuple(z.shape)}"
        )
    likelihood = tf.cast(log_prior, found.dtype) - 0.5 * found
    return (likelihood, 0.5 * errors[0]) if errors else likelihood


def _density(prior, owner):
    if isinstance(prior, str):
        _checks.check_one_of("prior", prior, PRIORS, owner=owner)
        return {"normal": _normal, "uniform": _uniform}[prior]
    found = getattr(prior, "log_prob", prior)
    if not callable(found):
        raise TypeError(
            f"{owner} expects `prior` to be one of {sorted(PRIORS)}, a "
            "function of latents, or an object with `log_prob`. Received: "
            f"prior={prior!r}"
        )
    return found


def _entries(z):
    """Latents as rows, in float32 or wider."""
    z = z if z.dtype == tf.float64 else tf.cast(z, tf.float32)
    return tf.reshape(z, (tf.shape(z)[0], math.prod(z.shape[1:])))


def _normal(z):
    z = _entries(z)
    half = 0.5 * z.shape[-1] * math.log(2.0 * math.pi)
    return -0.5 * tf.reduce_sum(tf.square(z), axis=-1) - half


def _uniform(z):
    z = _entries(z)
    inside = tf.reduce_all(tf.abs(z) <= 1.0, axis=-1)
    value = tf.constant(-z.shape[-1] * math.log(2.0), z.dtype)
    return tf.where(inside, value, tf.constant(-math.inf, z.dtype))
