"""Binary images of digits."""

import dataclasses

import numpy as np

from keras_bp.datasets import load_digits


@dataclasses.dataclass(frozen=True)
class Images:
    """Bits of pixels: 1 where a pixel is not black.

    Attributes:
        train: Array `(images, height, width, 1)`, uint8.
        train_labels: Array `(images,)`.
        test: Array `(images, height, width, 1)`, uint8.
        test_labels: Array `(images,)`.
        told: String, what they are.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    told: str

    @property
    def all(self):
        """Training and test images, which the paper trains on."""
        return np.concatenate([self.train, self.test])

    @property
    def sample_shape(self):
        return self.train.shape[1:]

    @property
    def is_mnist(self):
        return self.sample_shape[0] == 28


def binary_digits(data_dir=None):
    """Loads images, as `keras_bp.datasets.load_digits` finds them."""
    (train, train_labels), (test, test_labels) = load_digits(data_dir)
    kind = "MNIST" if train.shape[1] == 28 else "scikit-learn's digits"
    height, width = train.shape[1:3]
    told = (
        f"{kind} > 0, {len(train):,} training and {len(test):,} test images "
        f"of {height}x{width}; the GANs see both"
    )
    return Images(
        (train > 0).astype("uint8"),
        train_labels,
        (test > 0).astype("uint8"),
        test_labels,
        told,
    )
