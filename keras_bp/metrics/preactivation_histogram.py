"""The histogram of what binary neurons threshold."""

import dataclasses

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import finite_of

_BINS = 256
# The bin that holds one half, in its middle.
_HALF = 127
_CHUNK = 4_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class PreactivationHistogram:
    """Counts of probabilities in 256 bins.

    Args:
        counts: Integer array of shape `(256,)`.

    Raises:
        ValueError: The counts have another shape, are negative or all zero.

    Example:

    >>> from keras_bp.metrics import preactivation_histogram
    >>> found = preactivation_histogram([0.0, 0.001, 0.5, 1.0])
    >>> found.first_bin, found.last_bin
    (0.5, 0.25)
    >>> int((found + found).counts.sum())
    8
    """

    counts: np.ndarray

    def __post_init__(self):
        counts = np.asarray(self.counts)
        integers = np.issubdtype(counts.dtype, np.integer)
        if (
            counts.shape != (_BINS,)
            or not integers
            or counts.min() < 0
            or counts.sum() == 0
        ):
            raise ValueError(
                f"{type(self).__name__} expects `counts` to be {_BINS} "
                "integers, zero or greater, and not all zero. "
                f"Received: shape={counts.shape}, dtype={counts.dtype}"
            )
        object.__setattr__(self, "counts", counts.astype("int64"))

    @property
    def shares(self):
        """Float64 array of shape `(256,)` that adds up to 1."""
        return self.counts / self.counts.sum()

    @property
    def first_bin(self):
        """Share of the probabilities below 1/255."""
        return float(self.shares[0])

    @property
    def last_bin(self):
        """Share of the probabilities that are 1: saturated neurons."""
        return float(self.shares[-1])

    def notch_depth(self, width=3, shoulder=16):
        r"""How far the histogram dips at one half.

        :math:`1 - a / b` with the mean :math:`a` of the `width` bins around
        one half and the mean :math:`b` of the `shoulder` bins on each side of
        them: 0 without a notch, 1 where no neuron is undecided, below 0 for a
        peak.

        Args:
            width: Odd positive integer, bins. Defaults to `3`.
            shoulder: Positive integer, bins. Defaults to `16`.

        Returns:
            Float; NaN where the shoulders are empty.

        Raises:
            TypeError: A number is no integer.
            ValueError: `width` is even, or a number out of range.
        """
        owner = f"{type(self).__name__}.notch_depth"
        _checks.check_integer(
            "width", width, minimum=1, maximum=_HALF, owner=owner
        )
        if width % 2 == 0:
            raise ValueError(
                f"{owner} expects `width` to be odd. Received: width={width}"
            )
        left, right = _HALF - width // 2, _HALF + width // 2 + 1
        _checks.check_integer(
            "shoulder", shoulder, minimum=1, maximum=left, owner=owner
        )
        below = self.counts[left - shoulder : left]
        above = self.counts[right : right + shoulder]
        beside = (below.mean() + above.mean()) / 2
        if beside == 0:
            return float("nan")
        return float(1 - self.counts[left:right].mean() / beside)

    def __add__(self, other):
        if not isinstance(other, PreactivationHistogram):
            return NotImplemented
        return PreactivationHistogram(self.counts + other.counts)


def preactivation_histogram(probabilities):
    r"""Counts probabilities before the threshold, in 256 bins.

    A probability :math:`p` falls into bin :math:`\lfloor 255 p \rfloor`, as
    if it were written to an image of 8 bits: the first bin holds
    :math:`p < 1/255`, and the last one :math:`p = 1` alone, which a sigmoid
    in float32 gives from 16.64 on.

    Args:
        probabilities: Float array of any shape, in [0, 1]: the sigmoid of the
            logits, such as the output of
            `BinaryNeuron(inference="probability")`. It is read in its own
            precision.

    Returns:
        `PreactivationHistogram`; those of batches can be added.

    Raises:
        TypeError: `probabilities` holds no real numbers.
        ValueError: `probabilities` is empty, or a value is NaN or not in
            [0, 1].

    Example:

    >>> from keras_bp.metrics import preactivation_histogram
    >>> found = preactivation_histogram([0.0, 0.4, 0.6, 0.9999])
    >>> found.counts.nonzero()[0].tolist(), found.last_bin
    ([0, 102, 153, 254], 0.0)

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, figure 4.
    """
    owner = "preactivation_histogram"
    values = finite_of("probabilities", probabilities, owner=owner).ravel()
    if values.size == 0 or values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"{owner} expects `probabilities` in [0, 1], such as the sigmoid "
            "of the logits, and at least one. Received: "
            + (f"{values.min()} to {values.max()}" if values.size else "none")
        )
    counts = np.zeros(_BINS, "int64")
    for start in range(0, values.size, _CHUNK):
        part = values[start : start + _CHUNK].astype("float64")
        # Half precision could round a product up to the next bin.
        index = np.floor(255 * part).astype("int64")
        counts += np.bincount(index, minlength=_BINS)
    return PreactivationHistogram(counts)
