"""Spectral sums by Chebyshev series, of a fixed and of a random length."""

import math

import numpy as np

from keras_bp.spectral import _draws, _krylov, _metric
from keras_bp.spectral._products import Products
from keras_bp.spectral._stochastic import derivative_of, mean_with_gradient
from keras_bp.spectral._tensorflow import tf

# How far the interval goes beyond the Ritz values, which lie inside of the
# spectrum; below the smallest a series is still good.
_BELOW, _ABOVE = 0.5, 1.05
_BOUND_STEPS = 30
# Of its mean, how long a series of random length can be.
_LONGEST = 10
# Terms that are there in fewer draws of a mean than this are not counted on.
_RARE = 0.05


def by_chebyshev(operator, function, options):
    """The mean over random signs v of v' p(M) v, p near to f."""
    degree = options.degree
    interval, measure = _interval(operator, options)
    series = _series(function, interval, degree)
    ones = tf.ones((1, 1, degree + 1), tf.float64)
    found, error = _estimated(operator, options, interval, series, ones)
    left = _left_out(function, series[0], interval, measure)
    error += operator.shape[1] * left
    values, _ = measure
    return found, _metric.marked(error, function, values, operator.precision)


def by_randomized_chebyshev(operator, function, options):
    """The same, unbiased: terms of a random end are weighted for it."""
    degree, longest = options.degree, _LONGEST * options.degree
    interval, measure = _interval(operator, options)
    series = _series(function, interval, longest)
    least = degree // 2
    ratio = 1.0 - 1.0 / (degree - least + 1)
    seed = _draws.seed_of(options.seed)
    batch = tf.shape(operator.latents)[0]
    # A geometric tail: term j is there with the probability `ratio`^(j-least).
    draws = _draws.uniform((batch, options.probes, 1), seed + 1)
    lengths = least + tf.math.log(draws) / math.log(ratio)
    places = tf.range(longest + 1, dtype=tf.float64)
    chances = ratio ** tf.maximum(places - least, 0.0)
    weights = tf.cast(places <= lengths, tf.float64) / chances
    found, error = _estimated(
        operator, options, interval, series, weights, seed
    )
    spread, rare = _of_lengths(
        series[0], chances, interval, measure, options.probes
    )
    left = rare + _left_out(function, series[0], interval, measure)
    n = operator.shape[1]
    error = tf.maximum(error, n * spread) + n * left
    values, _ = measure
    return found, _metric.marked(error, function, values, operator.precision)


def _interval(operator, options):
    """Where the eigenvalues are, from Lanczos steps of a random vector.

    Returns:
        A pair of bounds, `(batch,)` each; and nodes, ascending, and weights
        of a measure on them, `(batch, steps)` each.
    """
    n = operator.shape[1]
    products = Products(operator, 1)
    seed = _draws.seed_of(0)
    first = _draws.start((products.batch, 1, n), seed)
    # What a series of some degree tells apart, so many steps do.
    steps = min(n, max(_BOUND_STEPS, options.degree))
    values, weights = _krylov.quadrature(
        _krylov.lanczos(products, first, steps)
    )
    values = _metric.floored(values[:, 0] + options.ridge, operator.precision)
    low = tf.maximum(_BELOW * values[:, 0], options.ridge)
    return (low, _ABOVE * values[:, -1]), (values, weights[:, 0])


def _series(function, interval, degree):
    """Coefficients of a function and of its derivative, `(batch, degree + 1)`.

    From the values at twice as many nodes.
    """
    count = 2 * (degree + 1)
    angles = np.pi * (np.arange(count) + 0.5) / count
    waves = np.cos(np.outer(angles, np.arange(degree + 1))) * 2.0 / count
    waves[:, 0] /= 2.0
    low, high = (x[:, None] for x in interval)
    nodes = 0.5 * (high - low) * tf.constant(np.cos(angles))
    nodes += 0.5 * (high + low)
    waves = tf.constant(waves)
    slopes = derivative_of(function, nodes)
    return tuple(
        tf.stop_gradient(tf.matmul(x, waves)) for x in (function(nodes), slopes)
    )


def _waves(values, interval, count):
    """Chebyshev polynomials at values, `(batch, values, count)`."""
    low, high = (x[:, None] for x in interval)
    scaled = (2.0 * values - high - low) / (high - low)
    angles = tf.acos(tf.clip_by_value(scaled, -1.0, 1.0))
    return tf.cos(angles[:, :, None] * tf.range(count, dtype=tf.float64))


def _left_out(function, coefficients, interval, measure):
    """How far a series is from its function, in the mean of a measure.

    Below its smallest node eigenvalues may be that it does not know of; they
    are taken to lie at the end of the interval.

    Returns:
        Float64 tensor `(batch,)`, for a vector of length one.
    """
    values, weights = measure
    values = tf.concat([interval[0][:, None], values], axis=1)
    weights = tf.concat([weights[:, :1], weights], axis=1)
    waves = _waves(values, interval, coefficients.shape[-1])
    rest = function(values) - tf.linalg.matvec(waves, coefficients)
    return tf.reduce_sum(weights * tf.abs(rest), axis=-1)


def _of_lengths(coefficients, chances, interval, measure, probes):
    """What the random length of a series does to a mean over probes.

    With a_j the terms of the full series, of which those up to a random end
    are there, each divided by its chance p_j, the mean square is
    sum_jk a_j a_k / p_min(j, k). Terms that are too rare to be seen in so
    many draws are large where they are, and no standard error tells of them.

    Returns:
        Two float64 tensors `(batch,)`, for a vector of length one: the
        deviation, and what is lost with the terms that are too rare.
    """
    values, weights = measure
    waves = _waves(values, interval, coefficients.shape[-1])
    terms = coefficients * tf.linalg.matvec(waves, weights, transpose_a=True)
    seen = tf.cast(chances * probes >= _RARE, tf.float64)
    rare = tf.abs(tf.reduce_sum(terms * (1.0 - seen), axis=-1))
    terms *= seen
    after = tf.cumsum(terms, axis=-1, exclusive=True, reverse=True)
    square = tf.reduce_sum(terms * (terms + 2.0 * after) / chances, axis=-1)
    square -= tf.square(tf.reduce_sum(terms, axis=-1))
    return tf.sqrt(tf.maximum(square, 0.0) / probes), rare


def _estimated(operator, options, interval, series, weights, seed=None):
    """Means over probes of v' s(M) v, of a weighted series s."""
    count, n = options.probes, operator.shape[1]
    products = Products(operator, count)
    if seed is None:
        seed = _draws.seed_of(options.seed)
    probes = _draws.signs((products.batch, count, n), seed)
    low, high = (x[:, None, None] for x in interval)
    # Terms that no probe has cost nothing.
    used = tf.reduce_max(weights, axis=(0, 1)) > 0
    terms = tf.reduce_sum(tf.cast(used, tf.int32))

    def scaled(x):
        found = products(x) + options.ridge * x
        return (2.0 * found - (high + low) * x) / (high - low)

    def body(j, before, now, sums, slopes):
        factor = tf.gather(weights, j, axis=-1)[:, :, None]
        value, slope = (tf.gather(c, j, axis=-1)[:, None, None] for c in series)
        sums += factor * value * now
        slopes += factor * slope * now
        following = scaled(now)
        following = tf.where(j > 0, 2.0 * following - before, following)
        return j + 1, now, following, sums, slopes

    zeros = tf.zeros_like(probes)
    _, _, _, sums, slopes = tf.while_loop(
        lambda j, *_: j < terms,
        body,
        (tf.constant(0), zeros, probes, zeros, zeros),
        # A batch that is known before is not, within.
        shape_invariants=(
            tf.TensorShape([]),
            *[tf.TensorShape((None, count, n))] * 4,
        ),
    )
    estimates = tf.reduce_sum(probes * sums, axis=-1)
    return mean_with_gradient(
        operator, estimates, probes, tf.stop_gradient(slopes)
    )
