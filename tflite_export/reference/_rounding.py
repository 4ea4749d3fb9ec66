"""Rounding and overflow of integers."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops.fixed_point import ROUNDINGS
from tflite_export._signals import as_int64, check_is_format

LARGEST = 2**63 - 1

# A float64 is an integer of this many bits, times a power of two.
_MANTISSA_BITS = 53
# Beyond those of float64 and of every format.
_LARGEST_EXPONENT = 2**16


def round_shift(acc, shift, rounding):
    r"""Divides integers by :math:`2^s` and rounds, without an overflow.

    Args:
        acc: Integer array of any shape.
        shift: Integer `s`. A negative one shifts to the left, exactly.
        rounding: String. `"nearest"`: half up, floor(v + 1/2).
            `"nearest_even"`: half to even. `"truncate"`: toward minus
            infinity. `"toward_zero"`.

    Returns:
        NumPy array of int64 with the shape of `acc`.

    Raises:
        TypeError: `acc` or `shift` does not hold integers.
        ValueError: A result does not fit into 64 bits, or `rounding` is
            unknown.

    Example:

    >>> import numpy as np
    >>> from tflite_export.reference import round_shift
    >>> round_shift(np.array([-6, -5, 5, 6]), 2, "nearest").tolist()
    [-1, -1, 1, 2]
    """
    owner = "round_shift"
    acc = as_int64("acc", acc, owner=owner)
    _checks.check_integer("shift", shift, owner=owner)
    _checks.check_one_of("rounding", rounding, ROUNDINGS, owner=owner)
    if shift < 0:
        largest = LARGEST >> min(-shift, 63)
        if np.any(acc > largest) or np.any(acc < -largest):
            raise ValueError(
                f"{owner} expects results of at most 64 bits; take fewer bits "
                f"or a larger shift. Received: shift={shift}, acc from "
                f"{acc.min()} to {acc.max()}"
            )
        return acc << min(-shift, 63)
    if shift > 63:
        # At most half a step: every mode but one gives 0.
        return acc >> 63 if rounding == "truncate" else np.zeros_like(acc)
    return _round_shift_right(acc, shift, rounding)


def handle_overflow(value, fixed_point):
    """Brings integers into the range of a format.

    Args:
        value: Integer array of any shape.
        fixed_point: `keras_bp.ops.FixedPoint`; its `word_length`, `signed`
            and `overflow` count.

    Returns:
        NumPy array of int64 with the shape of `value`: the nearest end of the
        range for `"saturate"` and `"saturate_symmetric"`, and `value` modulo
        2^word_length for `"wrap"`.

    Raises:
        TypeError: `value` does not hold integers.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import handle_overflow
    >>> value = np.array([-9, 7, 8])
    >>> handle_overflow(value, FixedPoint(4, 0)).tolist()
    [-8, 7, 7]
    >>> handle_overflow(value, FixedPoint(4, 0, overflow="wrap")).tolist()
    [7, 7, -8]
    """
    value = as_int64("value", value, owner="handle_overflow")
    check_is_format("fixed_point", fixed_point, owner="handle_overflow")
    low, high = fixed_point.minimum_integer, fixed_point.maximum_integer
    if fixed_point.overflow != "wrap":
        return np.clip(value, low, high)
    span = 2**fixed_point.word_length
    value = value & (span - 1)
    return np.where(value > high, value - span, value)


def round_to(exact, fraction_bits, fixed_point):
    """Rounds integers of `fraction_bits` to those of a format.

    Args:
        exact: Integer array of any shape.
        fraction_bits: Integer, bits after its binary point.
        fixed_point: `keras_bp.ops.FixedPoint`.

    Returns:
        NumPy array of int64 with the shape of `exact`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import round_to
    >>> round_to(np.array([5, -6, 99]), 3, FixedPoint(4, 1)).tolist()
    [1, -1, 7]
    """
    check_is_format("fixed_point", fixed_point, owner="round_to")
    shift = fraction_bits - fixed_point.fraction_bits
    value = round_shift(exact, shift, fixed_point.rounding)
    return handle_overflow(value, fixed_point)


def quantize(x, fixed_point, step_exponent):
    r"""Rounds floats to the integers of a format: the converter at the input.

    The only place where a float enters. It is exact: every float is an
    integer times a power of two, and that integer is shifted. A layer first
    casts its input to float32, so cast `x` likewise to compare.

    Args:
        x: Float array of any shape, finite.
        fixed_point: `keras_bp.ops.FixedPoint`; its `fraction_bits` do not
            count.
        step_exponent: Integer `e`; the step of the format is :math:`2^e`.

    Returns:
        NumPy array of int64 with the shape of `x`.

    Raises:
        ValueError: `x` is not finite.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export.reference import quantize
    >>> quantize(np.array([0.3, -0.6, 5.0]), FixedPoint(4, 2), -2).tolist()
    [1, -2, 7]
    """
    x = _checks.as_floats("x", x, owner="quantize")
    check_is_format("fixed_point", fixed_point, owner="quantize")
    _checks.check_integer(
        "step_exponent",
        step_exponent,
        minimum=-_LARGEST_EXPONENT,
        maximum=_LARGEST_EXPONENT,
        owner="quantize",
    )
    if not np.all(np.isfinite(x)):
        raise ValueError(
            "quantize expects finite numbers. Received: "
            f"{np.sum(~np.isfinite(x))} infinite or undefined ones"
        )
    fraction, exponent = np.frexp(x)
    mantissa = np.ldexp(fraction, _MANTISSA_BITS).astype("int64")
    right = _MANTISSA_BITS + step_exponent - exponent.astype("int64")
    # Beyond 60 bits to the right, all that is left of 53 bits is the sign.
    value = _round_shift_right(
        mantissa, np.clip(right, 0, 60), fixed_point.rounding
    )
    left = np.clip(-right, 0, 32)
    if fixed_point.overflow == "wrap":
        # The low 32 bits decide, since no format is longer.
        shifted = np.where(left < 32, (value & (2**32 - 1)) << left % 32, 0)
        value = np.where(left > 0, shifted, value)
    # Otherwise whatever shifts to the left is beyond 2^52, and saturates.
    return handle_overflow(value, fixed_point)


def _round_shift_right(acc, shift, rounding):
    low = acc >> shift
    # What is shifted out, and its largest value: 2^shift itself may overflow.
    mask = LARGEST >> (63 - shift)
    rest = acc & mask
    if rounding == "nearest":
        return low + (rest > mask - rest)
    if rounding == "nearest_even":
        tie = rest == mask - rest + 1
        return low + np.where(tie, low & 1, rest > mask - rest)
    if rounding == "toward_zero":
        return low + ((acc < 0) & (rest > 0))
    return low
