"""Handwritten digits: embedded small ones, or MNIST from a folder."""

import os
import pathlib

import numpy as np


def load_digits(data_dir=None):
    """Loads images of handwritten digits, split for training and testing.

    Args:
        data_dir: Path of a folder that holds `mnist.npz` (keys `x_train`,
            `y_train`, `x_test`, `y_test`, as in `keras.datasets`), or None
            for the folder that the variable KERAS_BP_DATA names. Where
            neither is given, or the variable's folder has no such file, the
            1,797 digits of 8x8 pixels that come with scikit-learn are taken,
            every fifth one for testing.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float32 images in [0, 1] of
        shape `(n, height, width, 1)`, and int64 labels of shape `(n,)`.

    Raises:
        FileNotFoundError: `data_dir` is given and holds no `mnist.npz`.
        ImportError: The embedded digits are asked for, and scikit-learn is
            not installed.

    Example:

    >>> import tempfile
    >>> from keras_bp.datasets import load_digits
    >>> load_digits(tempfile.mkdtemp())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: load_digits expects `data_dir` to hold mnist.npz. ...
    """
    path = _mnist_path(data_dir)
    if path is None:
        return _embedded()
    with np.load(path) as data:
        return tuple(
            (
                data[f"x_{part}"][..., None].astype("float32") / 255.0,
                data[f"y_{part}"].astype("int64"),
            )
            for part in ("train", "test")
        )


def _mnist_path(data_dir):
    if data_dir is not None:
        path = pathlib.Path(data_dir) / "mnist.npz"
        if not path.is_file():
            raise FileNotFoundError(
                "load_digits expects `data_dir` to hold mnist.npz. "
                f"Received: data_dir={os.fspath(data_dir)!r}"
            )
        return path
    folder = os.environ.get("KERAS_BP_DATA")
    path = pathlib.Path(folder) / "mnist.npz" if folder else None
    return path if path is not None and path.is_file() else None


def _embedded():
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            "load_digits takes its embedded digits from scikit-learn: "
            "pip install 'keras_bp[examples]'"
        ) from error
    digits = datasets.load_digits()
    x = (digits.images[..., None] / 16.0).astype("float32")
    y = digits.target.astype("int64")
    test = np.arange(len(y)) % 5 == 4
    return (x[~test], y[~test]), (x[test], y[test])
