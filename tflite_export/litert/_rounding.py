"""Rounding and overflow of docs/fixed_point.md, by int32 operators."""

from tflite_export.litert._numbers import Whole, Wide

# With more bits, the number of turns times 2^bits does not fit into int32.
_LONGEST_WRAP = 29


def round_to(net, value, fraction_bits, form):
    """Rounds integers of `fraction_bits` to those of a format.

    Args:
        net: `Arithmetic`.
        value: `Whole` or `Wide`.
        fraction_bits: Integer, bits after its binary point.
        form: `keras_bp.ops.FixedPoint`.

    Returns:
        `Whole`.

    Raises:
        ValueError: A number on the way is too long.
    """
    shift = fraction_bits - form.fraction_bits
    if shift > 0:
        value = _divide(net, value, shift, form.rounding)
    elif shift < 0:
        value = _shift_left(net, value, -shift, form)
    low, high = form.minimum_integer, form.maximum_integer
    if form.overflow == "wrap":
        return _wrap(net, value, form.word_length, low, high)
    return _saturate(net, value, low, high)


def _divide(net, value, shift, rounding):
    """`value` over 2^shift, rounded."""
    half = 2 ** (shift - 1)
    if rounding == "truncate":
        return net.shift(value, shift)
    if -half <= value.low and value.high < half:
        return _times(net, _some_part(value), 0)
    if rounding == "nearest":
        value = net.add(value, net.number(half))
    elif rounding == "nearest_even":
        odd = _parity(net, net.shift(value, shift))
        value = net.add(net.add(value, net.number(half - 1)), odd)
    elif value.low < 0:
        # Up where it is negative: its sign is -1 or 0.
        whole = net.carry(value).upper if isinstance(value, Wide) else value
        sign = net.shift(whole, 31)
        value = net.add(value, _times(net, sign, 2**shift - 1), -1)
    return net.shift(value, shift)


def _parity(net, value):
    """1 where a number is odd, else 0."""
    part = _some_part(value)
    return net.apply("FLOOR_MOD", [part.tensor, net.number(2).tensor], 0, 1)


def _shift_left(net, value, bits, form):
    """`value` times 2^bits, or what ends alike in a format."""
    low, high = form.minimum_integer, form.maximum_integer
    if form.overflow != "wrap":
        # Beyond this, whatever is not 0 saturates.
        bits = min(bits, max(high, -low).bit_length())
        value = _saturate(net, value, (low >> bits) - 1, (high >> bits) + 1)
        return _times(net, value, 2**bits)
    if bits >= form.word_length:
        return _times(net, _some_part(value), 0)
    rest = form.word_length - bits
    value = _wrap(net, value, rest, 0, 2**rest - 1)
    return _times(net, value, 2**bits)


def _saturate(net, value, low, high):
    if isinstance(value, Wide):
        value = net.carry(value)
        base = value.base
        # Whatever is cut off here lies beyond the ends by a whole limb.
        upper = _saturate(
            net, value.upper, (low >> base) - 1, (high >> base) + 1
        )
        value = net.add(_times(net, upper, 2**base), value.lower)
    if isinstance(value, Wide):
        net.refuse(low, high)
    for name, end, pick in (("MAXIMUM", low, max), ("MINIMUM", high, min)):
        ends = pick(value.low, end), pick(value.high, end)
        if ends != (value.low, value.high):
            limit = _filled(net, value, end)
            value = net.apply(name, [value.tensor, limit], *ends)
    return value


def _filled(net, value, end):
    """A constant with the shape of a number.

    Against a constant of one entry, MAXIMUM and MINIMUM take seven times as
    long. One sum makes it, for all stages.
    """
    shape = net.shape(value)
    if shape not in net.zeros:
        net.zeros[shape] = _times(net, value, 0)
    zeros = net.zeros[shape]
    return net.add(zeros, net.number(end)).tensor


def _wrap(net, value, bits, low, high):
    """The number from `low` to `high` that equals `value` modulo 2^bits."""
    if isinstance(value, Whole) and _is_within(value, low, high):
        return value
    if bits > _LONGEST_WRAP:
        net.refuse(low, high)
    if isinstance(value, Whole):
        over = max(value.high, -value.low) + 2**bits
        if over < 2**31:
            return _reduce(net, value, bits, low, high)
        value = net.split(value, 8)
    value = net.carry(value)
    if bits <= value.base:
        return _reduce(net, value.lower, bits, low, high)
    rest = bits - value.base
    upper = _reduce(net, value.upper, rest, 0, 2**rest - 1)
    value = net.add(_times(net, upper, 2**value.base), value.lower)
    return _reduce(net, value, bits, low, high)


def _reduce(net, value, bits, low, high):
    """`_wrap` of a `Whole`."""
    if _is_within(value, low, high):
        return value
    turns = value
    if low < 0:
        turns = net.add(value, net.number(2 ** (bits - 1)))
    whole = _times(net, net.shift(turns, bits), 2**bits)
    tensors = [value.tensor, whole.tensor]
    return net.apply("SUB", tensors, low, high)


def _times(net, value, factor):
    """A `Whole` times an integer, `Wide` where that is too long."""
    number = net.number(factor)
    if isinstance(number, Wide):
        upper = _times(net, value, number.upper.low)
        lower = _times(net, value, number.lower.low)
        ends = sorted([value.low * factor, value.high * factor])
        return net.join_limbs(upper, lower, number.base, *ends)
    return net.multiply(value, number)


def _some_part(value):
    """A number itself, or the lower limb: for a shape, or for the parity."""
    return value.lower if isinstance(value, Wide) else value


def _is_within(value, low, high):
    return low <= value.low and value.high <= high
