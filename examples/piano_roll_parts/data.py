"""Windows of piano-rolls, cropped to the pitches that are used."""

import dataclasses
import os
import pathlib

import numpy as np

from keras_bp.datasets import load_piano_rolls


class NoChoralesError(ValueError):
    """The configuration needs a file that was not found."""


@dataclasses.dataclass(frozen=True)
class Windows:
    """Bits of shape `(windows, steps, 1, pitches)`, uint8.

    The pitches are the channels of an image one pixel wide, so that a
    convolution looks at all of them, over a few steps of time.

    Attributes:
        train: Array, windows that overlap.
        validation: Array, windows that do not.
        test: Array, the same.
        told: String, what they are.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    told: str

    @property
    def shape(self):
        return self.train.shape[1:]

    @property
    def means(self):
        """How often each pitch is on in the training windows."""
        return self.train.mean(axis=(0, 1, 2))


def windows(config, data_dir=None):
    """Loads windows, as `keras_bp.datasets.load_piano_rolls` finds them.

    Args:
        config: `Config`.
        data_dir: Path or None.

    Returns:
        `Windows`.

    Raises:
        NoChoralesError: The configuration needs JSB_Chorales.mat, and there
            is none.
    """
    is_jsb = _has_chorales(data_dir)
    if config.jsb and not is_jsb:
        raise NoChoralesError(
            "This configuration expects JSB_Chorales.mat in --data_dir or in "
            "the folder that KERAS_BP_DATA names"
        )
    train, _, _ = load_piano_rolls(data_dir, steps=config.steps, hop=config.hop)
    _, *held_out = load_piano_rolls(data_dir, steps=config.steps)
    used = np.flatnonzero(train.any(axis=(0, 1)))
    low, high = used[0], used[-1] + 1
    kind = "JSB chorales" if is_jsb else "synthetic chorales"
    parts = [x[:, :, None, low:high] for x in (train, *held_out)]
    told = (
        f"{kind}, windows of {config.steps} steps, keys {low} to {high - 1} of "
        f"88; {len(train):,} for training, a step of {config.hop} apart, and "
        f"{len(held_out[0])} and {len(held_out[1])} held out"
    )
    return Windows(*parts, told)


def _has_chorales(data_dir):
    folder = data_dir or os.environ.get("KERAS_BP_DATA")
    return (
        bool(folder) and (pathlib.Path(folder) / "JSB_Chorales.mat").is_file()
    )
