"""Binary images."""

import dataclasses

import numpy as np

from keras_bp.datasets import load_digits

_SEED = 20


class NoMNISTError(ValueError):
    """MNIST was asked for, and is not there."""


@dataclasses.dataclass(frozen=True)
class Images:
    """Bits of pixels, row by row.

    Attributes:
        train: Array `(images, pixels)`, uint8.
        test: Array `(images, pixels)`, uint8.
        means: Array `(pixels,)`, the mean of `train`.
        told: String, what they are.
    """

    train: np.ndarray
    test: np.ndarray
    means: np.ndarray
    told: str


def binarized(config, data_dir=None):
    """Loads images and draws each pixel once, 1 as often as it is bright.

    This is the fixed stochastic binarization with which these estimators
    are usually compared, with draws of our own.

    Args:
        config: `Config`.
        data_dir: See `keras_bp.datasets.load_digits`.

    Returns:
        `Images`.

    Raises:
        NoMNISTError: The configuration needs MNIST, and there are only the
            embedded digits.
    """
    (train, _), (test, _) = load_digits(data_dir)
    height, width = train.shape[1:3]
    if config.mnist and height != 28:
        raise NoMNISTError(
            "This configuration expects mnist.npz in --data_dir, or in the "
            "folder that the variable KERAS_BP_DATA names. Received: the "
            f"embedded digits of {height}x{width} pixels"
        )
    rng = np.random.default_rng(_SEED)
    train, test = (
        (rng.random(x.shape, "float32") < x).astype("uint8").reshape(len(x), -1)
        for x in (train[: config.train_images], test[: config.test_images])
    )
    kind = "MNIST" if height == 28 else "scikit-learn's digits"
    told = (
        f"{kind}, {len(train):,} training and {len(test):,} test images of "
        f"{height}x{width}, each pixel drawn once with its brightness as "
        "probability"
    )
    return Images(train, test, train.mean(axis=0), told)
