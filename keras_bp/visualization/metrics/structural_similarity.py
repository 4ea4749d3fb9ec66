"""Structural similarity of maps."""

import numpy as np

from keras_bp.visualization.metrics._pairs import flat_pair


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
    import tensorflow as tf

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
    found = tf.image.ssim(*images, max_val=1.0, filter_size=filter_size)
    return found.numpy().astype("float64")
