"""Small sets of the UCI repository, from a folder."""

import os
import pathlib

import numpy as np

UCI_NAMES = (
    "iris",
    "wine",
    "zoo",
    "car",
    "ecoli",
    "glass",
    "vertebral-column-3clases",
    "balance-scale",
    "seeds",
    "contrac",
)

_FILE = "uci10.npz"
_ARRAYS = ("x", "y", "test_folds")


def load_uci(name, data_dir=None):
    """Loads one of ten small sets for classification, with its test folds.

    The features are standardized over the whole set, before it is split. Each
    fold is a split of its own, with a random quarter of the examples for
    testing: an example may be in several folds, or in none.

    ```python
    x, y, test_folds = load_uci("iris")
    test = test_folds[:, 0]
    x_train, x_test = x[~test], x[test]
    ```

    The folds of a set are of equal size. Examples for validation, by which a
    learning rate is chosen, are taken from those for training.

    Args:
        name: String, one of `UCI_NAMES`.
        data_dir: Path of a folder that holds `uci10.npz`, with the arrays
            `NAME/x`, `NAME/y` and `NAME/test_folds` of each set, or None for
            the folder that the variable KERAS_BP_DATA names.

    Returns:
        `x`: float32, `(examples, features)`. `y`: int64, `(examples,)`,
        classes from 0 on. `test_folds`: bool, `(examples, folds)`, True where
        an example is for testing.

    Raises:
        FileNotFoundError: No folder is given, or it holds no `uci10.npz`.
        ValueError: `name` is unknown, or the file lacks an array or holds one
            of another form.

    Example:

    >>> import tempfile
    >>> from keras_bp.datasets import load_uci
    >>> load_uci("iris", tempfile.mkdtemp())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: load_uci expects `data_dir` to hold uci10.npz. ...

    Reference:
        Dua, Graff, 2017, https://archive.ics.uci.edu; the sets as prepared
        by Fernandez-Delgado et al., 2014,
        https://jmlr.org/papers/v15/delgado14a.html.
    """
    if name not in UCI_NAMES:
        raise ValueError(
            f"load_uci expects `name` to be one of {sorted(UCI_NAMES)}. "
            f"Received: name={name!r}"
        )
    path = _path(data_dir)
    with np.load(path) as data:
        missing = [key for key in _ARRAYS if f"{name}/{key}" not in data]
        if missing:
            raise ValueError(
                f"load_uci expects {path.name} to hold "
                f"{[f'{name}/{key}' for key in _ARRAYS]}. "
                f"Received: a file without {[f'{name}/{k}' for k in missing]}"
            )
        x, y, folds = (data[f"{name}/{key}"] for key in _ARRAYS)
    _check_form(name, x, y, folds)
    return x.astype("float32"), y.astype("int64"), folds.astype(bool)


def _path(data_dir):
    if data_dir is not None:
        path = pathlib.Path(data_dir) / _FILE
        given = f"data_dir={os.fspath(data_dir)!r}"
        expected = "`data_dir`"
    else:
        folder = os.environ.get("KERAS_BP_DATA")
        path = pathlib.Path(folder or "") / _FILE
        given = f"data_dir=None, KERAS_BP_DATA={folder!r}"
        expected = "the folder of KERAS_BP_DATA"
        if not folder:
            expected = "`data_dir`, or the folder of KERAS_BP_DATA,"
            path = None
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"load_uci expects {expected} to hold {_FILE}. Received: {given}"
        )
    return path


def _check_form(name, x, y, folds):
    good = (
        x.ndim == 2
        and y.shape == x.shape[:1]
        and folds.ndim == 2
        and len(folds) == len(x)
        and np.issubdtype(y.dtype, np.integer)
        and np.isin(folds, (0, 1)).all()
    )
    if not good:
        raise ValueError(
            f"load_uci expects {name}/x of shape (examples, features), "
            f"{name}/y of integers of shape (examples,), and "
            f"{name}/test_folds of 0 and 1 of shape (examples, folds). "
            f"Received: shapes {x.shape}, {y.shape} and {folds.shape}, of "
            f"{x.dtype}, {y.dtype} and {folds.dtype}"
        )
