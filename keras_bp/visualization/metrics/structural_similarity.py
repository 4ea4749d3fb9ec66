"""Structural similarity of maps."""

import numpy as np

from keras_bp.visualization.metrics._pairs import flat_pair

# Of Wang et al.: the width of the window, and what keeps quotients finite.
_DEVIATION = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def structural_similarity(first, second, filter_size=None):
    """Structural similarity (SSIM) of two arrays of maps.

    Each map is scaled to [0, 1] first, as in sanity checks of saliency maps.

    Args:
        first: Array `(examples, height, width)` or with channels last.
        second: Array of the same shape.
        filter_size: Positive integer, width of the Gaussian window; None for
            11, or the largest odd number that fits. Defaults to `None`.

    Returns:
        Array `(examples,)`, at most 1.

    Raises:
        ValueError: The shapes differ, or are no images, or the window does
            not fit.

    Reference:
        Wang et al., 2004, https://doi.org/10.1109/TIP.2003.819861;
        Adebayo et al., 2018, https://arxiv.org/abs/1810.03292.
    """
    owner = "structural_similarity"
    flat_pair(first, second, owner)
    images = []
    for maps in (first, second):
        maps = np.asarray(maps, "float64")
        maps = maps[..., None] if maps.ndim == 3 else maps
        if maps.ndim != 4:
            raise ValueError(
                f"{owner} expects maps (examples, height, width[, channels]). "
                f"Received: {maps.shape}"
            )
        low = maps.min((1, 2, 3), keepdims=True)
        span = maps.max((1, 2, 3), keepdims=True) - low
        images.append((maps - low) / np.where(span > 0, span, 1.0))
    smallest = min(images[0].shape[1:3])
    if filter_size is None:
        filter_size = min(11, smallest - (smallest + 1) % 2)
    if not 0 < filter_size <= smallest:
        raise ValueError(
            f"{owner} expects `filter_size` to fit maps of the shape "
            f"{images[0].shape[1:3]}. Received: filter_size={filter_size}"
        )
    return _similarity(*images, _window(filter_size))


def _window(size):
    """Gaussian weights along one axis, which sum to one."""
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-((offsets / _DEVIATION) ** 2) / 2)
    return weights / weights.sum()


def _similarity(first, second, window):
    """The mean over windows and channels of maps in [0, 1]."""

    def mean(maps):
        for axis in (1, 2):
            views = np.lib.stride_tricks.sliding_window_view(
                maps, len(window), axis
            )
            maps = views @ window
        return maps

    means = mean(first), mean(second)
    product = means[0] * means[1]
    squares = means[0] ** 2 + means[1] ** 2
    covariance = mean(first * second) - product
    variances = mean(first**2 + second**2) - squares
    luminance = (2 * product + _C1) / (squares + _C1)
    found = luminance * (2 * covariance + _C2) / (variances + _C2)
    return found.mean((1, 2, 3))
