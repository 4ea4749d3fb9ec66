"""Samples as hexadecimal words, one for each clock."""

import numpy as np


def to_words(signal, lanes, width):
    """Packs samples into words.

    Args:
        signal: Int64 array `(time, channels)`.
        lanes: Positive integer, samples of a word, the first in its lowest
            bits, as the first channel is. The last word is filled with 0.
        width: Positive integer, bits of a number.

    Returns:
        List of Python integers.
    """
    missing = -len(signal) % lanes
    signal = np.pad(signal, [(0, missing), (0, 0)])
    rows = signal.reshape(len(signal) // lanes, -1).tolist()
    mask = (1 << width) - 1
    return [
        sum((value & mask) << width * place for place, value in enumerate(row))
        for row in rows
    ]


def from_words(words, lanes, channels, form):
    """The reverse of `to_words`.

    Args:
        words: List of Python integers.
        lanes: Positive integer.
        channels: Positive integer.
        form: `keras_bp.ops.FixedPoint` of the numbers.

    Returns:
        Int64 array `(time, channels)`.
    """
    width = form.word_length
    mask = (1 << width) - 1
    rows = [
        [word >> width * place & mask for place in range(lanes * channels)]
        for word in words
    ]
    found = np.array(rows, "int64").reshape(-1, channels)
    if form.signed:
        found -= (found >> width - 1) << width
    return found


def as_hex(words, bits):
    """Words as a file that `$readmemh` reads."""
    digits = (bits + 3) // 4
    return "".join(f"{word:0{digits}x}\n" for word in words)
