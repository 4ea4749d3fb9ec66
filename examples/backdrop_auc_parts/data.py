"""Two classes, one of them rare: the problems, and what a seed has of them."""

import dataclasses
import functools

import numpy as np

from keras_bp.datasets import load_uci

# Digits of this label are told from the others.
_DIGIT = 8
# Share of the examples left by the test set that are for training.
_TRAIN = 0.6
# Of MNIST, so many are split; a whole set is one batch of a method.
_MNIST = 12_000


@dataclasses.dataclass(frozen=True)
class Problem:
    """One class of a set against the rest.

    Attributes:
        name: String.
        parts: Function from a seed to a dictionary of `"train"`,
            `"validation"` and `"test"`, pairs `(x, y)` with `y` 0 or 1.
    """

    name: str
    parts: object

    def positives(self):
        """Share of positives in training."""
        return float(np.mean(self.parts(0)["train"][1]))


def split(x, y, seed, share=None):
    """Parts for training, of one size for all seeds, and for validation.

    Args:
        x, y: Arrays; `y` is 0 or 1.
        seed: Integer.
        share: Float, positives in training, or None for three in four of all.
            Those that are left out are in neither part; the area under the
            curve for validation does not depend on the share.

    Returns:
        Two pairs `(x, y)`.
    """
    rng = np.random.default_rng(seed)
    positive, negative = (
        rng.permutation(np.flatnonzero(y == k)) for k in (1, 0)
    )
    size, held = int(_TRAIN * len(y)), len(positive) // 4
    most = len(positive) - held
    count = most if share is None else round(share * size)
    if not 0 < count <= most or size - count >= len(negative):
        raise ValueError(
            f"`split` expects a share of 1/{size} to {most}/{size}, and more "
            f"negatives than it takes. Received: share={share}"
        )
    parts = [
        np.concatenate([positive[:count], negative[: size - count]]),
        np.concatenate([positive[most:], negative[size - count :]]),
    ]
    return [(x[part], y[part]) for part in parts]


def embedded(data_dir=None):
    """Scikit-learn's digits, whatever else `load_digits` would find."""
    from sklearn import datasets

    found = datasets.load_digits()
    x, y = found.images[..., None].astype("float32") / 16.0, found.target
    test = np.arange(len(y)) % 5 == 4
    return (x[~test], y[~test]), (x[test], y[test])


def digits(shares, load, data_dir=None):
    """The digit 8 against the others, with some shares of it in training.

    Args:
        shares: Tuple of floats.
        load: Function from a folder to what `load_digits` returns.
        data_dir: Path, or None.

    Returns:
        List of `Problem`.
    """
    (x, y), (x_test, y_test) = load(data_dir)
    if len(x) > _MNIST:
        kept = np.random.default_rng(0).permutation(len(x))[:_MNIST]
        x, y = x[kept], y[kept]
    name = "MNIST" if x.shape[1] == 28 else "digits"
    x, x_test = (a.reshape(len(a), -1) for a in (x, x_test))
    y, y_test = ((a == _DIGIT).astype("float32") for a in (y, y_test))

    def parts(share, seed):
        train, validation = split(x, y, seed, share)
        return {
            "train": train,
            "validation": validation,
            "test": (x_test, y_test),
        }

    return [
        Problem(f"{name} {100 * share:g}%", functools.partial(parts, share))
        for share in shares
    ]


def uci(classes, data_dir=None):
    """One class of UCI sets against the rest, with their own test folds.

    Args:
        classes: Tuple of triples: the name of a set, a class, and the share of
            it in training, or None for its own.
        data_dir: Path, or None.

    Returns:
        List of `Problem`.
    """
    made = []
    for name, label, share in classes:
        x, y, folds = load_uci(name, data_dir)
        y = (y == label).astype("float32")
        thinned = "" if share is None else f" {100 * share:g}%"
        made.append(
            Problem(
                f"{name}-{label}{thinned}",
                functools.partial(_fold, x, y, folds, share),
            )
        )
    return made


def _fold(x, y, folds, share, seed):
    test = folds[:, seed % folds.shape[1]]
    train, validation = split(x[~test], y[~test], seed, share)
    return {
        "train": train,
        "validation": validation,
        "test": (x[test], y[test]),
    }
