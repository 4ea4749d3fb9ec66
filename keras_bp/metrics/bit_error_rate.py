"""The bit error rate by counting, and how well it is known."""

import dataclasses
import math

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._beta import beta_probability

# With fewer errors the relative error of the rate is above a tenth.
_ENOUGH_ERRORS = 100
_BISECTIONS = 200


@dataclasses.dataclass(frozen=True)
class BitErrorRate:
    """Errors counted in a number of bits.

    Args:
        errors: Integer, zero or more.
        bits: Positive integer, at least `errors`.

    Raises:
        TypeError: One of them is no integer.
        ValueError: One of them is out of range.

    Example:

    >>> from keras_bp.metrics import BitErrorRate
    >>> counted = BitErrorRate(errors=120, bits=100_000)
    >>> counted.value
    0.0012
    >>> low, high = counted.interval(0.95)
    >>> round(low, 6), round(high, 6)
    (0.000995, 0.001435)
    """

    errors: int
    bits: int

    def __post_init__(self):
        owner = type(self).__name__
        _checks.check_integer(
            "bits", self.bits, minimum=1, maximum=2**63 - 1, owner=owner
        )
        _checks.check_integer(
            "errors", self.errors, minimum=0, maximum=self.bits, owner=owner
        )
        # NumPy's integers are counts too, but no JSON.
        object.__setattr__(self, "errors", int(self.errors))
        object.__setattr__(self, "bits", int(self.bits))

    @property
    def value(self):
        """The rate."""
        return self.errors / self.bits

    @property
    def reliable(self):
        """Whether at least 100 errors were counted."""
        return self.errors >= _ENOUGH_ERRORS

    def interval(self, confidence=0.95):
        """Clopper-Pearson interval, for independent errors.

        Args:
            confidence: Float in (0, 1). Defaults to `0.95`.

        Returns:
            Two floats; the rate lies between them with at least that
            probability.

        Raises:
            ValueError: `confidence` is out of range.
        """
        tail = (1 - _checked(confidence, "interval")) / 2
        low, high = 0.0, 1.0
        if self.errors > 0:
            low = _beta_quantile(tail, self.errors, self.bits - self.errors + 1)
        if self.errors < self.bits:
            high = _beta_quantile(
                1 - tail, self.errors + 1, self.bits - self.errors
            )
        return low, high

    def upper_bound(self, confidence=0.95):
        """What the rate lies below with probability `confidence`.

        For a point with too few errors to be plotted as a value.

        Args:
            confidence: Float in (0, 1). Defaults to `0.95`.

        Returns:
            Float.

        Raises:
            ValueError: `confidence` is out of range.
        """
        confidence = _checked(confidence, "upper_bound")
        if self.errors == self.bits:
            return 1.0
        return _beta_quantile(
            confidence, self.errors + 1, self.bits - self.errors
        )

    def __add__(self, other):
        if not isinstance(other, BitErrorRate):
            return NotImplemented
        return BitErrorRate(self.errors + other.errors, self.bits + other.bits)


def bit_error_rate(sent, received):
    """Counts the bits that differ.

    Args:
        sent: Integer or boolean array of 0 and 1, of any shape.
        received: Array of that shape.

    Returns:
        `BitErrorRate`.

    Raises:
        ValueError: The shapes differ, or something else than a bit is there.

    Example:

    >>> from keras_bp.metrics import bit_error_rate
    >>> bit_error_rate([0, 1, 1, 0], [0, 1, 0, 0])
    BitErrorRate(errors=1, bits=4)
    """
    sent, received = np.asarray(sent), np.asarray(received)
    if sent.shape != received.shape or sent.size == 0:
        raise ValueError(
            "bit_error_rate expects two arrays of one shape, not empty. "
            f"Received: shapes {sent.shape} and {received.shape}"
        )
    for name, bits in (("sent", sent), ("received", received)):
        if not np.isin(bits, (0, 1)).all():
            raise ValueError(
                f"bit_error_rate expects `{name}` to hold 0 and 1. "
                f"Received: {np.unique(bits)[:5]}"
            )
    return BitErrorRate(int(np.sum(sent != received)), sent.size)


def _checked(confidence, function):
    owner = f"BitErrorRate.{function}"
    _checks.check_rate("confidence", confidence, owner=owner)
    _checks.check_positive("confidence", confidence, owner=owner)
    return float(confidence)


def _beta_quantile(probability, a, b):
    """Where the beta distribution reaches `probability`, by bisection."""
    # On the logarithm: rates are small numbers.
    low, high = -700.0, 0.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if beta_probability(a, b, math.exp(middle)) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-13:
            break
    return math.exp(high)
