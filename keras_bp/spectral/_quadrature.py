"""Spectral sums by the process of Lanczos: exact, and from random vectors."""

from keras_bp.spectral import _chebyshev, _draws, _krylov, _metric
from keras_bp.spectral._products import Products, pushed
from keras_bp.spectral._stochastic import derivative_of, mean_with_gradient
from keras_bp.spectral._tensorflow import tf


def by_lanczos(operator, function, options):
    """Sums over all Ritz pairs, with as many steps as latents.

    The eigenvalues are taken anew as squared lengths of derivatives along the
    Ritz vectors, whose gradients are those of the eigenvalues.
    """
    n = operator.shape[1]
    products = Products(operator, 1)
    seed = _draws.seed_of(0 if options.seed is None else options.seed)
    first = _draws.start((products.batch, 1, n), seed)
    _, vectors, _ = _krylov.lanczos(products, first, n)
    along = pushed(operator, vectors[:, 0], options.chunk)
    values = tf.reduce_sum(tf.square(along), axis=-1) + options.ridge
    dtype = operator.precision
    values = _metric.floored(values, dtype)
    found = tf.reduce_sum(function(values), axis=-1)
    error = _metric.rounding_of(function, values, dtype)
    return found, _metric.marked(error, function, values, dtype)


def by_slq(operator, function, options):
    """The mean over random signs v of v' f(M) v, by Gauss quadrature."""
    n = operator.shape[1]
    products = Products(operator, options.probes)
    seed = _draws.seed_of(options.seed)
    probes = _draws.signs((products.batch, options.probes, n), seed)
    steps = min(options.degree, n)
    values, vectors, weights = _krylov.lanczos(products, probes / n**0.5, steps)
    values = _metric.floored(values + options.ridge, operator.precision)
    estimates = n * tf.reduce_sum(tf.square(weights) * function(values), -1)
    mixed = weights * derivative_of(function, values) * n**0.5
    pulled = tf.reduce_sum(mixed[..., None] * vectors, axis=-2)
    found, error = mean_with_gradient(operator, estimates, probes, pulled)
    return found, _metric.marked(error, function, values, operator.precision)


METHODS = {
    "chebyshev": _chebyshev.by_chebyshev,
    "lanczos": by_lanczos,
    "randomized_chebyshev": _chebyshev.by_randomized_chebyshev,
    "slq": by_slq,
}
