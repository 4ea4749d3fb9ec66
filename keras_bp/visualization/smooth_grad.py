"""Attribution maps that are averaged over noise."""

import numpy as np

from keras_bp import _checks
from keras_bp.visualization._companions import (
    as_attributor,
    fixed_target,
    single,
)


def smooth_grad(
    model,
    x,
    target="max",
    rule="saliency",
    num_samples=50,
    noise=0.15,
    seed=None,
    **options,
):
    r"""Means of attribution maps of inputs with Gaussian noise.

    .. math:: \frac{1}{n} \sum_i s(x + \sigma_x \epsilon_i)

    where :math:`\sigma_x` is `noise` times the range of the values of an
    example. The target `"max"` is that of the inputs without noise; of dense
    outputs it is the largest of each place, with the noise.

    Args:
        model: `keras.Model`, or an `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        target: As for `Attributor`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        num_samples: Positive integer :math:`n`. Defaults to `50`.
        noise: Float, zero or more. Defaults to `0.15`.
        seed: Integer or None, of the noise.
        **options: `batch_size`, and those of `Attributor`.

    Returns:
        Array of the shape of `x`.

    Raises:
        TypeError, ValueError: An argument is out of range, or as
            `Attributor`.

    Reference:
        Smilkov et al., 2017, https://arxiv.org/abs/1706.03825.
    """
    owner = "smooth_grad"
    _checks.check_integer("num_samples", num_samples, minimum=1, owner=owner)
    _checks.check_not_negative("noise", noise, owner=owner)
    x = single(x, owner)
    batch_size = options.pop("batch_size", 32)
    attributor = as_attributor(model, rule, options)
    target = fixed_target(attributor, x, target, batch_size, seed)
    rng = np.random.default_rng(seed)
    axes = tuple(range(1, x.ndim))
    size = noise * np.ptp(x, axis=axes, keepdims=True)
    total = 0.0
    for _ in range(num_samples):
        noisy = (x + size * rng.normal(size=x.shape)).astype(x.dtype)
        total = total + attributor(noisy, target, batch_size, seed)
    return total / num_samples
