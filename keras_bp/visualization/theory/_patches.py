"""Patches of images as a convolution without padding sees them."""

import numpy as np

from keras_bp import _checks


def pair(value):
    """Height and width of a number or a pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


def patches(images, kernel_size, strides):
    """Array `(examples, rows, columns, height, width, channels)`."""
    (height, width), (down, right) = pair(kernel_size), pair(strides)
    found = np.lib.stride_tricks.sliding_window_view(
        images, (height, width), axis=(1, 2)
    )
    # Channels last again.
    return np.moveaxis(found[:, ::down, ::right], 3, -1)


def put_back(found, shape, strides):
    """The adjoint of `patches`: overlapping patches are added.

    Args:
        found: Array as `patches` returns it.
        shape: Tuple of the images, `(examples, height, width, channels)`.
        strides: Integer, or pair of them.
    """
    down, right = pair(strides)
    rows, columns, height, width = found.shape[1:5]
    total = np.zeros(shape)
    for i in range(height):
        for j in range(width):
            total[
                :,
                i : i + down * (rows - 1) + 1 : down,
                j : j + right * (columns - 1) + 1 : right,
            ] += found[:, :, :, i, j]
    return total


def check_network(num_filters, strides, kernel_std, head_std, owner):
    """Raises unless there can be a network of these numbers."""
    _checks.check_integer("num_filters", num_filters, minimum=1, owner=owner)
    _checks.check_positive("kernel_std", kernel_std, owner=owner)
    _checks.check_positive("head_std", head_std, owner=owner)
    for stride in pair(strides):
        _checks.check_integer("strides", stride, minimum=1, owner=owner)


def checked_images(images, kernel_size, owner):
    """Images in double precision, large enough for one patch."""
    images = np.asarray(images, "float64")
    height, width = pair(kernel_size)
    fits = images.ndim == 4 and (
        images.shape[1] >= height > 0 and images.shape[2] >= width > 0
    )
    if not fits:
        raise ValueError(
            f"{owner} expects images (examples, height, width, channels) of at "
            f"least the size of the kernel, {(height, width)}. "
            f"Received: shape {images.shape}"
        )
    return images
