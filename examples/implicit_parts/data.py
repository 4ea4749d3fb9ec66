"""The examples for training, validation and test of each study."""

import numpy as np

from keras_bp.datasets import load_digits, load_piano_rolls, load_uci

# Steps of the pieces into which chorales are cut.
STEPS = 40


def images(data_dir, flat, count=None):
    """Digits with a sixth of the training images for validation.

    Args:
        data_dir: Path, or None; without MNIST, scikit-learn's digits.
        flat: Boolean, whether images are vectors.
        count: Integer, training images, or None for all.
    """
    (x, y), (x_test, y_test) = load_digits(data_dir)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    cut = len(x) // 6

    def part(a):
        return a.reshape(len(a), -1) if flat else a

    return {
        "train": (part(x[cut:][:count]), y[cut:][:count].astype("int32")),
        "validation": (part(x[:cut]), y[:cut].astype("int32")),
        "test": (part(x_test), y_test.astype("int32")),
        "name": "MNIST" if x.shape[1] == 28 else "digits",
    }


def uci(name, data_dir):
    """Function from a seed to its fold of one of the UCI sets."""
    x, y, folds = load_uci(name, data_dir)
    y = y.astype("int32")

    def fold(seed):
        test = folds[:, seed % folds.shape[1]]
        rest = np.flatnonzero(~test)
        order = np.random.default_rng(seed).permutation(rest)
        cut = len(order) // 4
        return {
            "train": (x[order[cut:]], y[order[cut:]]),
            "validation": (x[order[:cut]], y[order[:cut]]),
            "test": (x[test], y[test]),
            "name": name,
        }

    return fold, x.shape[1], int(y.max()) + 1


def chorales(data_dir):
    """Pieces of chorales, whose next step is wanted."""
    parts = load_piano_rolls(data_dir, steps=STEPS + 1, hop=STEPS)
    found = {
        name: (rolls[:, :-1].astype("float32"), rolls[:, 1:].astype("float32"))
        for name, rolls in zip(
            ("train", "validation", "test"), parts, strict=True
        )
    }
    return {**found, "name": "chorales"}
