"""Piano-rolls: chorales from a folder, or synthetic ones."""

import bisect
import itertools
import math
import os
import pathlib

import numpy as np

_KEYS = 88
_PARTS = ("traindata", "validdata", "testdata")

# Key 0 is the lowest of a piano, an A; key 39 is the middle C.
_C = 3
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
# Degrees that follow each, in the manner of a hymn.
_NEXT = {
    0: (0, 1, 3, 3, 4, 4, 5),
    1: (4, 4, 0),
    3: (0, 1, 4, 4),
    4: (0, 0, 0, 5),
    5: (1, 3, 3, 4),
}
# Lowest and highest keys of bass, tenor, alto and soprano.
_VOICES = ((19, 39), (27, 46), (34, 53), (39, 60))


def load_piano_rolls(data_dir=None, name="JSB_Chorales", steps=16, hop=None):
    """Loads windows of piano-rolls, split for training and testing.

    A step of a roll holds the keys that sound: the 88 of a piano from the
    lowest A on. A window lies within one piece; what is left at the end of a
    piece, shorter than a window, is not taken.

    Args:
        data_dir: Path of a folder that holds `NAME.mat`, in the form of
            Boulanger-Lewandowski et al.: `traindata`, `validdata` and
            `testdata`, each a list of arrays `(time, 88)` of 0 and 1; or None
            for the folder that the variable KERAS_BP_DATA names. Where
            neither is given, or the variable's folder has no such file, the
            windows are those of 200 synthetic pieces, which this function
            makes, the same each time: four voices lead chords of C major by
            small steps.
        name: String, of the file. Defaults to `"JSB_Chorales"`.
        steps: Positive integer, time steps of a window. Defaults to `16`.
        hop: Positive integer, steps from the start of a window to that of the
            next one in a piece, or None for `steps`: windows that do not
            overlap. Defaults to `None`.

    Returns:
        `train, validation, test`: uint8 arrays of 0 and 1, of shape
        `(windows, steps, 88)`. Windows of one piece follow each other.

    Raises:
        FileNotFoundError: `data_dir` is given and holds no such file.
        ImportError: There is a file, and SciPy is not installed.
        TypeError: `steps` or `hop` is no integer.
        ValueError: `steps` or `hop` is less than 1, no piece of a part is as
            long as a window, or the file is of another form.

    Example:

    >>> import tempfile
    >>> from keras_bp.datasets import load_piano_rolls
    >>> load_piano_rolls(tempfile.mkdtemp())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: load_piano_rolls expects `data_dir` to hold ...

    Reference:
        Boulanger-Lewandowski, Bengio, Vincent, 2012,
        https://arxiv.org/abs/1206.6392, for the form of the data.
    """
    hop = steps if hop is None else hop
    for argument, value in (("steps", steps), ("hop", hop)):
        _check_positive_integer(argument, value)
    path = _path(data_dir, name)
    parts = _synthetic() if path is None else _from_file(path)
    return tuple(
        _windows(pieces, steps, hop, part)
        for part, pieces in zip(_PARTS, parts, strict=True)
    )


def _check_positive_integer(argument, value):
    # This package imports nothing of ours, so not `_checks` either.
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"load_piano_rolls expects `{argument}` to be an integer. "
            f"Received: {argument}={value!r}"
        )
    if value < 1:
        raise ValueError(
            f"load_piano_rolls expects `{argument}` to be 1 or greater. "
            f"Received: {argument}={value}"
        )


def _path(data_dir, name):
    if data_dir is not None:
        path = pathlib.Path(data_dir) / f"{name}.mat"
        if not path.is_file():
            raise FileNotFoundError(
                f"load_piano_rolls expects `data_dir` to hold {name}.mat. "
                f"Received: data_dir={os.fspath(data_dir)!r}"
            )
        return path
    folder = os.environ.get("KERAS_BP_DATA")
    path = pathlib.Path(folder) / f"{name}.mat" if folder else None
    return path if path is not None and path.is_file() else None


def _from_file(path):
    """The pieces of each part of a file, as lists of arrays."""
    try:
        from scipy import io
    except ImportError as error:
        raise ImportError(
            f"load_piano_rolls reads {path.name} by SciPy: "
            "pip install 'keras_bp[examples]'"
        ) from error
    data = io.loadmat(path)
    parts = [
        [np.asarray(piece) for piece in np.ravel(data.get(part, ()))]
        for part in _PARTS
    ]
    for pieces in parts:
        _check_pieces(pieces, path)
    return parts


def _check_pieces(pieces, path):
    good = bool(pieces) and all(
        piece.ndim == 2
        and piece.shape[1] == _KEYS
        and np.isin(piece, [0, 1]).all()
        for piece in pieces
    )
    if not good:
        raise ValueError(
            f"load_piano_rolls expects {path.name} to hold "
            f"{', '.join(_PARTS)}, each a list of arrays (time, {_KEYS}) of 0 "
            "and 1. Received: a file of another form"
        )


def _windows(pieces, steps, hop, part):
    found = [
        piece[start : start + steps]
        for piece in pieces
        for start in range(0, len(piece) - steps + 1, hop)
    ]
    if not found:
        longest = max(map(len, pieces))
        raise ValueError(
            "load_piano_rolls expects a piece of each part to be as long as a "
            f"window. Received: steps={steps}, where the longest one of "
            f"{part} has {longest} steps"
        )
    return np.stack(found).astype("uint8")


def _synthetic():
    rng = np.random.default_rng(0)
    return [[_piece(rng) for _ in range(number)] for number in (120, 40, 40)]


def _piece(rng):
    """A piece of four voices, array `(time, 88)`."""
    length = int(rng.integers(12, 33))
    degrees = [0]
    while len(degrees) < length - 2:
        following = _NEXT[degrees[-1]]
        degrees.append(following[rng.integers(len(following))])
    # A cadence; its last chord is held.
    degrees += [4, 0]
    lasting = np.array((1, 2, 2, 4))[rng.integers(4, size=len(degrees))]
    lasting[-1] = 4
    voices = [sum(keys) // 2 for keys in _VOICES]
    piece = np.zeros((sum(lasting), _KEYS), "uint8")
    time = 0
    for degree, steps in zip(degrees, lasting, strict=True):
        voices = _led(voices, degree, rng)
        piece[time : time + steps, voices] = 1
        time += steps
    return piece


def _led(voices, degree, rng):
    """Keys of the next chord, each near to that of the voice before."""
    tones = [(_MAJOR[(degree + third) % 7] + _C) % 12 for third in (0, 2, 4)]
    found = []
    for voice, (low, high) in zip(voices, _VOICES, strict=True):
        # The bass has the root; the others do not go below one another.
        allowed = tones if found else tones[:1]
        keys = range(max([low, *found]), high + 1)
        keys = [key for key in keys if key % 12 in allowed]
        # Two voices rarely meet.
        weights = [
            math.exp(-abs(key - voice) / 2) * (0.1 if key in found else 1)
            for key in keys
        ]
        found.append(_drawn(keys, weights, rng))
    return found


def _drawn(values, weights, rng):
    """One of some values; quicker than `choice` for a few of them."""
    shares = list(itertools.accumulate(weights))
    place = bisect.bisect(shares, rng.random() * shares[-1])
    return values[min(place, len(values) - 1)]
