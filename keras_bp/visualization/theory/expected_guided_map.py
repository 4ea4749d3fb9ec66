"""What guided backpropagation shows of a random network: the image."""

import numpy as np

from keras_bp.visualization.theory._patches import (
    check_network,
    checked_images,
    patches,
    put_back,
)


def expected_guided_map(
    images,
    num_filters,
    kernel_size=3,
    *,
    strides=1,
    kernel_std=1.0,
    head_std=1.0,
):
    r"""Mean guided map of a `random_network`, over its weights.

    .. math:: E[s_k] = \frac{N c_w c_v}{2 \pi}
        \sum_j P_j^T \frac{y_j}{\|y_j\|}, \quad y_j = P_j x

    the sum of the patches of the image, each scaled to length one: for every
    class :math:`k`, and not the image itself, as the first-order statement
    has it.

    Args:
        images: Array `(examples, height, width, channels)`.
        num_filters: Positive integer :math:`N`.
        kernel_size: Integer, or pair of them. Defaults to `3`.
        strides: Integer, or pair of them. Defaults to `1`.
        kernel_std: Positive float :math:`c_w`. Defaults to `1`.
        head_std: Positive float :math:`c_v`. Defaults to `1`.

    Returns:
        Float64 array of the shape of `images`.

    Raises:
        ValueError: Images are smaller than the kernel, or a number is out of
            range.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039, Theorem 1
        (for many filters, up to a scale); the sum over unit patches is exact.
    """
    owner = "expected_guided_map"
    check_network(num_filters, strides, kernel_std, head_std, owner)
    images = checked_images(images, kernel_size, owner)
    found = patches(images, kernel_size, strides)
    norms = np.sqrt(np.square(found).sum((3, 4, 5), keepdims=True))
    unit = found / np.where(norms > 0, norms, 1.0)
    scale = num_filters * kernel_std * head_std / (2 * np.pi)
    return scale * put_back(unit, images.shape, strides)
