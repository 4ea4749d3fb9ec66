"""Pixels that are on without a neighbor that is."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import images_of

CONNECTIVITIES = (4, 8)


def isolated_pixels(images, connectivity=4):
    r"""Counts the pixels of each image that are on and have no neighbor on.

    With the neighborhood :math:`N(r, c)` of 4 or 8 pixels, without those
    beyond the border,

    .. math::
        \sum_{r,c} x_{rc} \prod_{(i,j) \in N(r,c)} (1 - x_{ij})

    Noise of single bits shows here before a distance of features sees it:
    strokes have almost no such pixels.

    Args:
        images: Array of 0 and 1, of shape `(images, height, width)` or
            `(images, height, width, 1)`.
        connectivity: Integer, 4 for the pixels beside, above and below, or 8
            for those across a corner too. Defaults to `4`.

    Returns:
        Integer array of shape `(images,)`.

    Raises:
        TypeError: `images` holds no real numbers.
        ValueError: `images` has another shape or other values, or
            `connectivity` is unknown.

    Example:

    >>> from keras_bp.metrics import isolated_pixels
    >>> images = [[[1, 0, 0], [0, 1, 0], [0, 0, 0]]]
    >>> print(isolated_pixels(images), isolated_pixels(images, connectivity=8))
    [2] [0]

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, section 4.
    """
    owner = "isolated_pixels"
    check_connectivity(connectivity, owner=owner)
    images = images_of(images, owner=owner)
    near = np.zeros_like(images)
    near[:, 1:] |= images[:, :-1]
    near[:, :-1] |= images[:, 1:]
    # Of the columns beside, the pixel itself, or it and those near it.
    beside = images | near if connectivity == 8 else images
    near[:, :, 1:] |= beside[:, :, :-1]
    near[:, :, :-1] |= beside[:, :, 1:]
    return np.count_nonzero(images & ~near, axis=(1, 2))


def check_connectivity(connectivity, *, owner):
    """Raises `ValueError` unless it is 4 or 8."""
    _checks.check_one_of(
        "connectivity", connectivity, CONNECTIVITIES, owner=owner
    )
