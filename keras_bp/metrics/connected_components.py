"""Connected components of binary images."""

import numpy as np

from keras_bp.metrics._inputs import images_of
from keras_bp.metrics.isolated_pixels import check_connectivity

# Pixels at a time: what bounds the memory.
_CHUNK = 4_000_000


def connected_components(images, connectivity=8):
    """Counts the connected sets of on-pixels in each image.

    A digit is mostly one. All images are worked on at once: their horizontal
    runs of on-pixels are joined, by the smallest label, where they touch.

    Args:
        images: Array of 0 and 1, of shape `(images, height, width)` or
            `(images, height, width, 1)`.
        connectivity: Integer, 4 where pixels touch by their sides, or 8 by
            their corners too. Defaults to `8`.

    Returns:
        Integer array of shape `(images,)`.

    Raises:
        TypeError: `images` holds no real numbers.
        ValueError: `images` has another shape or other values, or
            `connectivity` is unknown.

    Example:

    >>> from keras_bp.metrics import connected_components
    >>> images = [[[1, 1, 0], [0, 0, 1], [1, 0, 0]]]
    >>> print(connected_components(images), connected_components(images, 4))
    [2] [3]

    Reference:
        Rosenfeld and Pfaltz, 1966, "Sequential operations in digital picture
        processing", https://doi.org/10.1145/321356.321357.
    """
    owner = "connected_components"
    check_connectivity(connectivity, owner=owner)
    images = images_of(images, owner=owner)
    size = max(1, _CHUNK // images[0].size)
    parts = [
        _counts(images[start : start + size], connectivity)
        for start in range(0, len(images), size)
    ]
    return np.concatenate(parts)


def _counts(images, connectivity):
    starts = images.copy()
    starts[:, :, 1:] &= ~images[:, :, :-1]
    run = np.cumsum(starts).reshape(images.shape) - 1
    image_of_run = np.nonzero(starts)[0]
    edges = _touching(images, run, connectivity)
    labels = _joined(len(image_of_run), *edges)
    first = labels == np.arange(len(labels))
    return np.bincount(image_of_run[first], minlength=len(images))


def _touching(images, run, connectivity):
    """Two arrays: runs, and the runs in the rows below that touch them."""
    above, below = images[:, :-1], images[:, 1:]
    both = above & below
    # Once for each pair of runs, where they begin to overlap.
    both[:, :, 1:] &= ~both[:, :, :-1]
    pairs = [(run[:, :-1][both], run[:, 1:][both])]
    if connectivity == 8:
        # By a corner alone: otherwise they overlap.
        no_above, no_below = ~above, ~below
        falling = above[:, :, :-1] & below[:, :, 1:]
        falling &= no_above[:, :, 1:] & no_below[:, :, :-1]
        rising = above[:, :, 1:] & below[:, :, :-1]
        rising &= no_above[:, :, :-1] & no_below[:, :, 1:]
        pairs += [
            (run[:, :-1, :-1][falling], run[:, 1:, 1:][falling]),
            (run[:, :-1, 1:][rising], run[:, 1:, :-1][rising]),
        ]
    return tuple(map(np.concatenate, zip(*pairs, strict=True)))


def _joined(count, one, other):
    """Labels of `count` nodes, equal where edges join them."""
    parent = np.arange(count)
    while True:
        low, high = np.minimum(one, other), np.maximum(one, other)
        apart = low != high
        if not apart.any():
            return parent
        # Only roots are hooked, each to a smaller one: no cycle.
        low, high = low[apart], high[apart]
        np.minimum.at(parent, high, low)
        parent = _flattened(parent)
        one, other = parent[low], parent[high]


def _flattened(parent):
    """Points each node at the root of its tree."""
    while True:
        grandparent = parent[parent]
        if np.array_equal(grandparent, parent):
            return parent
        parent = grandparent
