"""Lambert's W function, by the logarithm of its argument."""

import math

from keras import ops


def lambert_w_exp(x):
    r"""Solves :math:`w + \log w = x`, so :math:`w = W_0(e^x)`.

    Winitzki's approximation is within 2%; two steps of Fritsch, of fourth
    order, make it exact to rounding for any finite `x`.

    Args:
        x: Tensor, float32 or float64.

    Returns:
        Tensor of the shape and dtype of `x`, zero or greater.

    Reference:
        Fritsch, Shafer and Crowley, 1973, Algorithm 443, Communications of
        the ACM 16(2); Winitzki, 2003, "Uniform approximations for
        transcendental functions".
    """
    # Below, `e^x (1 - e^x)` is `e^x`.
    inside = ops.maximum(x, -40.0)
    log = ops.softplus(inside)
    w = log * (1.0 - ops.log1p(log) / (2.0 + log))
    for _ in range(2):
        # All divided by `1 + w`, as squares of large `w` overflow.
        z = inside - ops.log(w) - w
        q = 2.0 * (1.0 + w + (2.0 / 3.0) * z)
        z = z / (1.0 + w)
        w = w * (1.0 + z * ((q - z) / (q - 2.0 * z)))
    return ops.where(x > -40.0, w, ops.exp(x))


def smallest_root(x, steps=2):
    r"""Solves :math:`v = x e^v` for its smallest root, :math:`-W_0(-x)`.

    Args:
        x: Tensor, zero or greater. Above `1 / e`, where there is no root, the
            result is 1.
        steps: Integer, steps of Newton, after an approximation within 1%.

    Returns:
        Tensor of the shape and dtype of `x`, at most 1.
    """
    inside = ops.minimum(x, 1.0 / math.e)
    r = ops.sqrt(2.0 * ops.maximum(1.0 - math.e * inside, 0.0))
    # Exact at both ends, and of second order at `1 / e`.
    v = 1.0 - r * (3.0 + _G * r) / (3.0 + (1.0 + _G) * r)
    # The difference from 1 cancels where `v` is about `x`.
    v = ops.where(inside < 1e-4, inside * (1.0 + inside), v)
    for _ in range(steps):
        grown = inside * ops.exp(v)
        v = v - (v - grown) / ops.maximum(1.0 - grown, 1e-12)
    return ops.clip(v, 0.0, 1.0)


_G = (math.sqrt(2.0) - 1.0) / math.sqrt(2.0)
