"""The beta distribution, on any backend."""

import math

_SMALL = 1e-300
_MOST_TERMS = 100_000


def beta_probability(a, b, x):
    """Probability that a number of the beta distribution is at most `x`.

    The regularized incomplete beta function, by its continued fraction, which
    takes about the square root of the larger parameter in terms.

    Args:
        a: Positive float, first parameter.
        b: Positive float, second parameter.
        x: Float in [0, 1].

    Returns:
        Float.

    Reference:
        Didonato and Morris, 1992, "Algorithm 708: significant digit
        computation of the incomplete beta function ratios".
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    factor = math.exp(_log_density(a, b, x))
    # The fraction converges fast on this side of the mean; the other side is
    # its mirror image.
    if x < a / (a + b):
        return factor / _fraction(a, b, x, 1.0 - x)
    return 1.0 - factor / _fraction(b, a, 1.0 - x, x)


def _log_density(a, b, x):
    """The logarithm of x^a (1 - x)^b / B(a, b).

    By what is left of Stirling's formula: logarithms of gamma functions are so
    large that their differences would be rounding alone. At the mean all but
    the root is near zero.
    """
    total = a + b
    away = x - a / total
    root = 0.5 * (math.log(a) + math.log(b / total) - math.log(2 * math.pi))
    rest = _stirling_rest(total) - _stirling_rest(a) - _stirling_rest(b)
    # Far from the mean, where a power of the ratio is the better one.
    low = _log_ratio(x, a / total, away)
    high = _log_ratio(1.0 - x, b / total, -away)
    return a * low + b * high + root + rest


def _log_ratio(x, mean, away):
    near = abs(away) < 0.5 * mean
    return math.log1p(away / mean) if near else math.log(x) - math.log(mean)


def _stirling_rest(z):
    """log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2."""
    if z < 16:
        stirling = (z - 0.5) * math.log(z) - z + 0.5 * math.log(2 * math.pi)
        return math.lgamma(z) - stirling
    # The first term left out is below 1e-13.
    square = 1.0 / (z * z)
    series = 1 / 1260 - square / 1680
    series = 1 / 360 - square * series
    return (1 / 12 - square * series) / z


def _fraction(a, b, x, y):
    """The continued fraction, by the method of Lentz; `y` is 1 - x.

    In the form of Didonato and Morris, which takes no difference of what is
    nearly one where `x` or `y` is tiny.
    """

    def partial(m):
        first = m * (b - m) * x / (a + 2 * m - 1) if m else 0.0
        second = (a + m) * (a * y - b * x + 1 + m * (1 + y))
        return m + first + second / (a + 2 * m + 1)

    c = found = _kept(partial(0))
    d = 0.0
    for m in range(1, _MOST_TERMS):
        top = (a + m - 1) * (a + b + m - 1) * m * (b - m)
        top *= (x / (a + 2 * m - 1)) ** 2
        bottom = partial(m)
        d = 1.0 / _kept(bottom + top * d)
        c = _kept(bottom + top / c)
        found *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return found


def _kept(value):
    return value if abs(value) > _SMALL else _SMALL
