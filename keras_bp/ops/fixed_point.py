"""The description of a fixed-point number format."""

import dataclasses

from keras_bp import _checks
from keras_bp._registration import serializable

ROUNDINGS = ("nearest", "nearest_even", "truncate", "toward_zero")
OVERFLOWS = ("saturate", "saturate_symmetric", "wrap")
SCALES = ("fixed", "power_of_two", "real")

_LONGEST_WITH_DIGITS = 16


@serializable
@dataclasses.dataclass(frozen=True)
class FixedPoint:
    r"""A fixed-point format: integers of `word_length` bits times a step.

    A number is :math:`q \Delta` with an integer :math:`q` of `word_length`
    bits and the step :math:`\Delta = 2^{-\text{fraction\_bits}}`, so that
    `FixedPoint(8, 6)` holds -2 to 1.984375 in steps of 1/64.

    Args:
        word_length: Integer, 1 to 32 (2 to 32 when signed), bits in all.
        fraction_bits: Integer, -64 to 64, bits after the binary point; the
            initial value where `scale` is trained.
        signed: Boolean, two's complement if true. Defaults to `True`.
        rounding: String. `"nearest"`: half up, floor(v + 1/2).
            `"nearest_even"`: half to even. `"truncate"`: toward minus
            infinity. `"toward_zero"`. Defaults to `"nearest"`.
        overflow: String. `"saturate"`: to the nearest end of the range.
            `"saturate_symmetric"`: the same, with the lower end at minus the
            upper one. `"wrap"`: modulo 2^word_length. Defaults to `"saturate"`.
        scale: String. `"fixed"`: the step is 2^-fraction_bits.
            `"power_of_two"`: the layer trains the exponent of the step, which
            is rounded to an integer. `"real"`: the layer trains the step as a
            real number. Defaults to `"fixed"`.
        max_digits: Positive integer, largest number of non-zero digits that
            an integer may have in canonical signed-digit form (1: powers of
            two and 0; see `keras_bp.ops.signed_digits`), or None for no
            bound. For taps that become adders; the rounding is to the
            nearest such integer, the upper one of two. Defaults to `None`.

    Raises:
        TypeError: A length is no integer, or `signed` no boolean.
        ValueError: A length is out of range, a name is unknown, a real
            scale comes with a rounding that is not to the nearest, or
            `max_digits` with more than 16 bits, another rounding than
            `"nearest"`, or an overflow that wraps.

    Example:

    >>> from keras_bp.ops import FixedPoint
    >>> FixedPoint(8, 6).minimum, FixedPoint(8, 6).maximum
    (-2.0, 1.984375)
    """

    word_length: int = 16
    fraction_bits: int = 12
    signed: bool = True
    rounding: str = "nearest"
    overflow: str = "saturate"
    scale: str = "fixed"
    max_digits: int | None = None

    def __post_init__(self):
        check = {"owner": "FixedPoint"}
        _checks.check_integer(
            "word_length",
            self.word_length,
            minimum=2 if self.signed else 1,
            maximum=32,
            **check,
        )
        _checks.check_integer(
            "fraction_bits",
            self.fraction_bits,
            minimum=-64,
            maximum=64,
            **check,
        )
        _checks.check_one_of("rounding", self.rounding, ROUNDINGS, **check)
        _checks.check_one_of("overflow", self.overflow, OVERFLOWS, **check)
        _checks.check_one_of("scale", self.scale, SCALES, **check)
        if not isinstance(self.signed, bool):
            raise TypeError(
                "FixedPoint expects `signed` to be a boolean. "
                f"Received: signed={self.signed!r}"
            )
        if self.scale == "real" and self.rounding in (
            "truncate",
            "toward_zero",
        ):
            raise ValueError(
                "FixedPoint expects rounding='nearest' or 'nearest_even' with "
                "scale='real': a number already rounded may lie just below "
                f"its step. Received: rounding={self.rounding!r}"
            )

        if self.max_digits is not None:
            self._check_digits()

    def _check_digits(self):
        owner = "FixedPoint"
        _checks.check_integer(
            "max_digits", self.max_digits, minimum=1, owner=owner
        )
        if (
            self.word_length > _LONGEST_WITH_DIGITS
            or self.rounding != "nearest"
            or self.overflow == "wrap"
        ):
            raise ValueError(
                f"{owner} expects at most {_LONGEST_WITH_DIGITS} bits, "
                "rounding='nearest' and an overflow that saturates with "
                f"`max_digits`. Received: word_length={self.word_length}, "
                f"rounding={self.rounding!r}, overflow={self.overflow!r}"
            )

    @property
    def minimum_integer(self):
        """The smallest integer of the format."""
        if not self.signed:
            return 0
        if self.overflow == "saturate_symmetric":
            return -self.maximum_integer
        return -(2 ** (self.word_length - 1))

    @property
    def maximum_integer(self):
        """The largest integer of the format."""
        return 2 ** (self.word_length - int(self.signed)) - 1

    @property
    def largest_magnitude(self):
        """The largest absolute value of an integer of the format."""
        return max(self.maximum_integer, -self.minimum_integer)

    @property
    def step(self):
        """The step 2^-fraction_bits (the initial one, where it is trained)."""
        return 2.0**-self.fraction_bits

    @property
    def minimum(self):
        """The smallest number of the format."""
        return self.minimum_integer * self.step

    @property
    def maximum(self):
        """The largest number of the format."""
        return self.maximum_integer * self.step

    def get_config(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)
