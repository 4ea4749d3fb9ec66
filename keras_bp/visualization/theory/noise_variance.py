"""The noise that saliency and DeconvNet show of a random network."""

import numpy as np

from keras_bp import _checks
from keras_bp.visualization.theory._patches import (
    check_network,
    checked_images,
    patches,
    put_back,
)

RULES = ("saliency", "deconvnet")
CORRELATIONS = {"saliency": 0.0, "deconvnet": 1 / np.pi}


def noise_variance(
    image_shape,
    num_filters,
    kernel_size=3,
    *,
    strides=1,
    kernel_std=1.0,
    head_std=1.0,
):
    r"""Variance of each pixel of saliency and DeconvNet maps of random weights.

    Both have mean zero, whatever the image, and

    .. math:: \operatorname{Var} = \frac{N c_w^2 c_v^2}{2} n

    with the number :math:`n` of patches that cover a pixel. They are the same
    for both rules, but only saliency is white: see `noise_correlation`.

    Args:
        image_shape: Tuple, `(height, width, channels)`.
        num_filters: Positive integer :math:`N`.
        kernel_size: Integer, or pair of them. Defaults to `3`.
        strides: Integer, or pair of them. Defaults to `1`.
        kernel_std: Positive float :math:`c_w`. Defaults to `1`.
        head_std: Positive float :math:`c_v`. Defaults to `1`.

    Returns:
        Float64 array of the shape `image_shape`.

    Raises:
        ValueError: The image is smaller than the kernel, or a number is out
            of range.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039, Theorem 2
        (which has white noise for both).
    """
    owner = "noise_variance"
    check_network(num_filters, strides, kernel_std, head_std, owner)
    ones = np.ones((1, *image_shape))
    ones = checked_images(ones, kernel_size, owner)
    covers = put_back(patches(ones, kernel_size, strides), ones.shape, strides)
    scale = num_filters * (kernel_std * head_std) ** 2 / 2
    return scale * covers[0]


def noise_correlation(rule):
    r"""Correlation of two pixels of one channel in maps of random weights.

    0 for `"saliency"`. :math:`1 / \pi` for `"deconvnet"`, however far apart
    the pixels are, away from the edges and with stride 1: the rectified
    coefficients have a mean, and each filter adds its sum everywhere.

    Args:
        rule: String, `"saliency"` or `"deconvnet"`.

    Returns:
        Float.

    Raises:
        ValueError: The rule is another.
    """
    _checks.check_one_of("rule", rule, RULES, owner="noise_correlation")
    return CORRELATIONS[rule]
