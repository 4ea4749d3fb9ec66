"""How often binary images change between neighbors."""

import numpy as np

from keras_bp.metrics._inputs import images_of


def total_variation(images):
    r"""Counts the transitions of each image between on and off.

    .. math::
        \sum_{r,c} |x_{r+1,c} - x_{rc}| + |x_{r,c+1} - x_{rc}|

    inside the image: the border counts for nothing.

    Args:
        images: Array of 0 and 1, of shape `(images, height, width)` or
            `(images, height, width, 1)`.

    Returns:
        Integer array of shape `(images,)`.

    Raises:
        TypeError: `images` holds no real numbers.
        ValueError: `images` has another shape or other values.

    Example:

    >>> from keras_bp.metrics import total_variation
    >>> print(total_variation([[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]))
    [4]

    Reference:
        Rudin, Osher and Fatemi, 1992, "Nonlinear total variation based noise
        removal algorithms", https://doi.org/10.1016/0167-2789(92)90242-F.
        There on the norm of the gradient.
    """
    images = images_of(images, owner="total_variation")
    down = images[:, 1:] ^ images[:, :-1]
    across = images[:, :, 1:] ^ images[:, :, :-1]
    counts = np.count_nonzero(down, axis=(1, 2))
    return counts + np.count_nonzero(across, axis=(1, 2))
