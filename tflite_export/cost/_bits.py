"""Signals as bits: 64 cycles in a word, the first one at the least bit."""

import numpy as np

WORD = 64


def pack(bits):
    """Packs cycles into words.

    Args:
        bits: Array `(..., cycles)` of 0 and 1. The last cycle is repeated to
            fill the last word.

    Returns:
        Uint64 array `(..., words)`.
    """
    bits = np.asarray(bits, "uint8")
    missing = -bits.shape[-1] % WORD
    widths = [(0, 0)] * (bits.ndim - 1) + [(0, missing)]
    packed = np.packbits(
        np.pad(bits, widths, "edge"), axis=-1, bitorder="little"
    )
    return np.ascontiguousarray(packed).view("<u8")


def unpack(words, cycles):
    """The reverse of `pack`, a uint8 array `(..., cycles)`."""
    octets = np.ascontiguousarray(words, "<u8").view("uint8")
    bits = np.unpackbits(octets, axis=-1, bitorder="little")
    return bits[..., :cycles]


def delay(words, first=None):
    """Shifts by one cycle; the first cycle gets 0, or the bits `first`."""
    shifted = words << np.uint64(1)
    if first is not None:
        shifted[..., :1] |= first
    shifted[..., 1:] |= words[..., :-1] >> np.uint64(WORD - 1)
    return shifted


def count(words):
    """Number of ones along the last axis, an int64 array."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words).sum(axis=-1, dtype="int64")
    octets = np.ascontiguousarray(words, "<u8").view("uint8")
    return _ONES[octets].sum(axis=-1, dtype="int64")


def mask(start, stop, words):
    """Words with ones for the cycles from `start` to `stop` alone."""
    bits = np.zeros(words * WORD, "uint8")
    bits[start:stop] = 1
    return pack(bits)


# Before NumPy 2.
_ONES = np.unpackbits(np.arange(256, dtype="uint8")[:, None], axis=1).sum(1)
