"""Attribution along the straight line from a baseline."""

import numpy as np

from keras_bp import _checks
from keras_bp.visualization._companions import (
    as_attributor,
    fixed_target,
    single,
)


def integrated_gradients(
    model,
    x,
    target="max",
    baseline=0.0,
    num_steps=32,
    rule="saliency",
    seed=None,
    **options,
):
    r"""Gradients along the line from a baseline, times the way.

    .. math:: (x - x_0) \int_0^1 s(x_0 + t (x - x_0)) dt

    by Gauss-Legendre quadrature. With the rule `"saliency"` the entries of a
    map add up to the difference of the output between :math:`x` and
    :math:`x_0`, up to the error of the quadrature. The target `"max"` is that
    at :math:`x`; of dense outputs, whose largest of each place it is, that at
    each point of the line.

    Args:
        model: `keras.Model`, or an `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        target: As for `Attributor`.
        baseline: Number, or array that broadcasts to `x`, :math:`x_0`.
            Defaults to `0`.
        num_steps: Positive integer, points of the quadrature.
            Defaults to `32`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        seed: Integer or None, of the target `"random"`.
        **options: `batch_size`, and those of `Attributor`.

    Returns:
        Array of the shape of `x`.

    Raises:
        TypeError, ValueError: An argument is out of range, or as
            `Attributor`.

    Reference:
        Sundararajan et al., 2017, https://arxiv.org/abs/1703.01365.
    """
    owner = "integrated_gradients"
    _checks.check_integer("num_steps", num_steps, minimum=1, owner=owner)
    x = single(x, owner)
    try:
        start = _checks.as_floats("baseline", baseline, owner=owner)
        start = np.broadcast_to(start.astype(x.dtype), x.shape)
    except ValueError as error:
        raise ValueError(
            f"{owner} expects a `baseline` that broadcasts to the inputs, "
            f"{x.shape}. Received: shape {np.shape(baseline)}"
        ) from error
    batch_size = options.pop("batch_size", 32)
    attributor = as_attributor(model, rule, options)
    target = fixed_target(attributor, x, target, batch_size, seed)
    places, weights = np.polynomial.legendre.leggauss(num_steps)
    total = 0.0
    for place, weight in zip(places, weights, strict=True):
        between = start + (place + 1) / 2 * (x - start)
        maps = attributor(between.astype(x.dtype), target, batch_size, seed)
        total = total + weight / 2 * maps
    return (total * (x - start)).astype(maps.dtype)
