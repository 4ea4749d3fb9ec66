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
        Press et al., 2007, "Numerical Recipes", section 6.4.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    log_factor = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
    )
    factor = math.exp(log_factor)
    # The fraction converges fast on this side of the mean; the other side is
    # its mirror image.
    if x < (a + 1) / (a + b + 2):
        return factor * _fraction(a, b, x) / a
    return 1.0 - factor * _fraction(b, a, 1.0 - x) / b


def _fraction(a, b, x):
    """The continued fraction, by the method of Lentz."""
    c, d = 1.0, _reciprocal(1.0 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MOST_TERMS):
        two = 2 * m
        even = m * (b - m) * x / ((a + two - 1) * (a + two))
        odd = -(a + m) * (a + b + m) * x / ((a + two) * (a + two + 1))
        for term in (even, odd):
            d = _reciprocal(1.0 + term * d)
            c = _kept(1.0 + term / c)
            found *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return found


def _kept(value):
    return value if abs(value) > _SMALL else _SMALL


def _reciprocal(value):
    return 1.0 / _kept(value)
