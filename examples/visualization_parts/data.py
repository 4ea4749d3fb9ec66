"""Images: digits, MNIST, and regions of two photographs."""

import dataclasses

import numpy as np

from keras_bp.datasets import load_digits


@dataclasses.dataclass(frozen=True)
class Images:
    """Images in two parts, of mean zero.

    Attributes:
        name: String.
        train, test: Arrays `(examples, height, width, channels)`.
        train_labels, test_labels: Integer arrays.
    """

    name: str
    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @property
    def classes(self):
        return int(self.train_labels.max()) + 1


def digits(data_dir=None):
    """MNIST, or the small digits three times as large."""
    (x, y), (x_test, y_test) = load_digits(data_dir)
    scale = 1 if x.shape[1] == 28 else 3
    name = "MNIST" if scale == 1 else "digits"
    x, x_test = (
        a.repeat(scale, axis=1).repeat(scale, axis=2) for a in (x, x_test)
    )
    order = np.random.default_rng(0).permutation(len(x))[:10_000]
    return _centered(name, x[order], y[order], x_test[:1000], y_test[:1000])


def photographs(size=32, train=1500, test=300, seed=0):
    """Crops of a temple and of a flower; those for testing from the right.

    Args:
        size: Integer, height and width of crops.
        train, test: Integers, crops of both together.
        seed: Integer.
    """
    from sklearn.datasets import load_sample_images

    rng, parts = np.random.default_rng(seed), {"train": [], "test": []}
    for label, photograph in enumerate(load_sample_images().images):
        border = int(0.7 * photograph.shape[1])
        for part, count, region in (
            ("train", train // 2, photograph[:, :border]),
            ("test", test // 2, photograph[:, border:]),
        ):
            for _ in range(count):
                i = rng.integers(region.shape[0] - size + 1)
                j = rng.integers(region.shape[1] - size + 1)
                crop = region[i : i + size, j : j + size]
                parts[part].append((crop / 255.0, label))
    arrays = []
    for pairs in parts.values():
        crops, labels = zip(*pairs, strict=True)
        arrays += [np.array(crops, "float32"), np.array(labels)]
    return _centered("photographs", *arrays)


def _centered(name, x, y, x_test, y_test):
    mean, std = x.mean(), x.std()
    return Images(
        name,
        ((x - mean) / std).astype("float32"),
        y,
        ((x_test - mean) / std).astype("float32"),
        y_test,
    )
