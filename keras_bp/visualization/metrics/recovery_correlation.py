"""How much of an image a map recovers."""

from keras_bp.visualization.metrics._pairs import cosine, flat_pair


def recovery_correlation(maps, images):
    """Pearson's correlation of maps and images, of each example.

    Near 1 where a map is the image, whatever the network was to explain; also
    a similarity of two maps. Zero where one of the two is constant.

    Args:
        maps: Array `(examples, ...)`.
        images: Array of the same shape.

    Returns:
        Array `(examples,)`, in [-1, 1].

    Raises:
        ValueError: The shapes differ, or there are no examples.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039.
    """
    maps, images = flat_pair(maps, images, "recovery_correlation")
    return cosine(
        maps - maps.mean(1, keepdims=True),
        images - images.mean(1, keepdims=True),
    )
