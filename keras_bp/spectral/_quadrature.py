"""Spectral sums by the process of Lanczos: exact, and from random vectors."""

import math

from keras_bp.spectral import _chebyshev, _draws, _krylov, _metric
from keras_bp.spectral._products import Products, pushed
from keras_bp.spectral._stochastic import derivative_of, mean_with_gradient
from keras_bp.spectral._tensorflow import tf

# Less than one, which no geometric series has a sum at.
_SLOWEST = 0.999


def by_lanczos(operator, function, options):
    """Sums over all Ritz pairs, with as many steps as latents.

    The metric is taken anew, in the basis of the Ritz vectors, from
    derivatives along them: of products in float32 small eigenvalues are lost,
    and Ritz vectors of them mixed.
    """
    n = operator.shape[1]
    products = Products(operator, 1)
    seed = _draws.seed_of(0 if options.seed is None else options.seed)
    first = _draws.start((products.batch, 1, n), seed)
    _, vectors, _ = _krylov.ritz(_krylov.lanczos(products, first, n))
    columns = pushed(operator, vectors[:, 0], options.chunk)
    dtype = operator.precision
    found, _ = _metric.sum_or_log_det(function, columns, options.ridge, dtype)
    # The rounding of each column is a part of the largest, not of its own.
    values = tf.reduce_sum(tf.square(columns), axis=-1) + options.ridge
    values = _metric.floored(values, dtype)
    error = _metric.rounding_of(function, values, dtype)
    return found, _metric.marked(error, function, values, dtype)


def by_slq(operator, function, options):
    """The mean over random signs v of v' f(M) v, by Gauss quadrature."""
    n = operator.shape[1]
    products = Products(operator, options.probes)
    seed = _draws.seed_of(options.seed)
    probes = _draws.signs((products.batch, options.probes, n), seed)
    steps = min(options.degree, n)
    process = _krylov.lanczos(products, probes / n**0.5, steps)
    values, vectors, weights = _krylov.ritz(process)
    dtype = operator.precision
    values = _metric.floored(values + options.ridge, dtype)
    estimates = n * tf.reduce_sum(tf.square(weights) * function(values), -1)
    mixed = weights * derivative_of(function, values) * n**0.5
    pulled = tf.reduce_sum(mixed[..., None] * vectors, axis=-2)
    found, error = mean_with_gradient(operator, estimates, probes, pulled)
    if steps < min(n, _exact_from(function, n)):
        error += _left_out(process, function, estimates, options.ridge, dtype)
    moved = _metric.noise_of_products(function, values, dtype)
    moved = n * tf.reduce_sum(tf.square(weights) * moved, axis=-1)
    error += tf.reduce_mean(moved, axis=-1)
    return found, _metric.marked(error, function, values, dtype)


def _left_out(process, function, estimates, ridge, dtype):
    """What more steps would change, in the mean over probes.

    Told by what the last doubling of their number has changed: those that are
    left change at most as much each, or less as that has fallen before.
    """
    steps, n = process.basis.shape[-2:]
    if steps == 1:
        return float("inf")
    means = [tf.reduce_mean(estimates, axis=-1)]
    for part in (steps // 2, steps // 4):
        if part:
            values, weights = _krylov.quadrature(process, part)
            values = _metric.floored(values + ridge, dtype)
            shares = n * tf.reduce_sum(weights * function(values), axis=-1)
            means.append(tf.reduce_mean(shares, axis=-1))
    changes = [abs(x - y) for x, y in zip(means[1:], means, strict=False)]
    doublings = math.log2(n / steps)
    if len(changes) == 1:
        return changes[0] * max(doublings, 1.0)
    falls = tf.minimum(tf.math.divide_no_nan(*changes), _SLOWEST)
    more = falls * (1.0 - falls**doublings) / (1.0 - falls)
    return changes[0] * tf.maximum(more, 1.0)


METHODS = {
    "chebyshev": _chebyshev.by_chebyshev,
    "lanczos": by_lanczos,
    "randomized_chebyshev": _chebyshev.by_randomized_chebyshev,
    "slq": by_slq,
}


def _exact_from(function, n):
    """How many steps leave nothing of a function out."""
    return {tf.identity: 1, tf.square: 2}.get(function, n)
