"""Integers of C with proven ranges, from which types and casts follow."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Expression:
    """An integer expression of C.

    Args:
        text: String; a name, a literal, or something in parentheses.
        low: Integer, its smallest value.
        high: Integer, its largest value.
        bits: Integer, 32 or 64, the width in which C computes it.
            Defaults to `32`.
        stored: Integer, bits of the type of a name, or None for `bits`.
            Defaults to `None`.
    """

    text: str
    low: int
    high: int
    bits: int = 32
    stored: int | None = None

    @property
    def magnitude(self):
        """The largest absolute value."""
        return max(self.high, -self.low)


def width_of(low, high, smallest=8):
    """Bits of the smallest signed integer type for a range.

    Args:
        low: Integer.
        high: Integer.
        smallest: Integer, 8, 16, 32 or 64, a lower bound. Defaults to `8`.

    Returns:
        8, 16, 32 or 64.

    Raises:
        ValueError: 64 bits do not hold it.
    """
    for bits in (8, 16, 32, 64):
        if bits >= smallest and -(1 << bits - 1) <= low <= high < 1 << bits - 1:
            return bits
    raise ValueError(
        "c.to_header expects numbers of at most 64 bits; take formats with "
        f"fewer fraction bits. Received: {low} to {high}"
    )


def literal(value):
    """An `Expression` of a constant."""
    bits = width_of(value, value, 32)
    text = str(value)
    if value == -(1 << 31):
        # A minus is no part of a literal of C, and 2^31 itself is longer.
        text = "(-2147483647 - 1)"
    elif bits == 64:
        text = f"INT64_C({value})"
    return Expression(text, value, value, bits)


def variable(text, low, high):
    """An `Expression` of a sample in a row."""
    wide = width_of(low, high, 32)
    return Expression(text, low, high, wide, width_of(low, high, 16))


def multiply(first, second):
    """The `Expression` of a product."""
    if second.text == "1":
        return first
    ends = [a * b for a in ends_of(first) for b in ends_of(second)]
    return _binary(first, "*", second, min(ends), max(ends))


def square(value):
    """The `Expression` of the square of a name."""
    low = 0
    if not value.low <= 0 <= value.high:
        low = min(end * end for end in ends_of(value))
    return _binary(value, "*", value, low, value.magnitude**2)


def add(first, second):
    """The `Expression` of a sum."""
    return _binary(
        first, "+", second, first.low + second.low, first.high + second.high
    )


def subtract(first, second):
    """The `Expression` of a difference."""
    return _binary(
        first, "-", second, first.low - second.high, first.high - second.low
    )


def shift_right(value, shift):
    """The `Expression` of a number divided by 2^shift, rounded down."""
    used = min(shift, value.bits - 1)
    return Expression(
        f"({value.text} >> {used})",
        value.low >> shift,
        value.high >> shift,
        value.bits,
    )


def ends_of(value):
    """Both ends of the range of an `Expression`."""
    return value.low, value.high


def _binary(first, sign, second, low, high):
    bits = max(width_of(low, high, 32), first.bits, second.bits)
    cast = "(int64_t)" if bits > max(first.bits, second.bits) else ""
    return Expression(
        f"({cast}{first.text} {sign} {second.text})", low, high, bits
    )
