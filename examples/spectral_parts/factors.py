"""What a person would say of a digit: class, thickness, slant, width."""

import numpy as np

NAMES = ("class", "thickness", "slant", "width")
_LITTLE = 1e-6


def strokes(images):
    """Thickness, slant and width of the strokes of images.

    Thickness is twice the ink over the length of its edges, the sum of the
    differences of neighbors; slant the shear that makes horizontal and
    vertical positions of ink uncorrelated; width its horizontal deviation.

    Args:
        images: Array `(images, height, width, 1)` in [0, 1].

    Returns:
        Array `(images, 3)`, in pixels, 1, and pixels.
    """
    ink = np.asarray(images, "float64")[..., 0]
    total = ink.sum(axis=(1, 2)) + _LITTLE
    around = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    edges = sum(
        np.abs(np.diff(around, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2)
    )
    rows, columns = np.indices(ink.shape[1:])
    shares = ink / total[:, None, None]
    row, column = ((shares * x).sum(axis=(1, 2)) for x in (rows, columns))
    down = rows - row[:, None, None]
    across = columns - column[:, None, None]
    tall = (shares * down**2).sum(axis=(1, 2))
    shear = (shares * down * across).sum(axis=(1, 2))
    wide = (shares * across**2).sum(axis=(1, 2))
    return np.stack(
        [2 * total / (edges + _LITTLE), shear / (tall + _LITTLE), wide**0.5],
        axis=1,
    )


class Factors:
    """Changes of factors, in the mean of those between two samples.

    So all are of one unit: 1 for each, in the mean, where images have nothing
    to do with each other.

    Args:
        judge: `Judge`.
        images: Array, what a generator makes of random latents.
    """

    def __init__(self, judge, images):
        self._judge, self._usual = judge, 1.0
        half = len(images) // 2
        found = self.changes(images[:half], images[half : 2 * half])
        self._usual = found.mean(axis=0) + _LITTLE

    def changes(self, one, other):
        """How much factors differ between two sets of images.

        Of the class it is the total variation of the classifier's
        probabilities, of the others the difference.

        Returns:
            Array `(images, 4)`, by `NAMES`.
        """
        first, last = (self._judge(images)[1] for images in (one, other))
        classes = 0.5 * np.abs(first - last).sum(axis=1, keepdims=True)
        moved = np.abs(strokes(one) - strokes(other))
        return np.concatenate([classes, moved], axis=1) / self._usual


def concentration(changes):
    """The share of the largest change: 1/4 of even ones, 1 of a single one.

    Args:
        changes: Array `(..., 4)`.
    """
    return changes.max(axis=-1) / (changes.sum(axis=-1) + _LITTLE)
