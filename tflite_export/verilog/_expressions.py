"""Verilog expressions, which say how every operand is extended."""


class Names:
    """Names of wires, their widths, and which of their bits are read."""

    def __init__(self):
        self.widths = {}
        self.tables = {}
        self._signed = {}
        self._used = {}

    def declare(self, name, width, signed=False):
        """Makes a name known, and returns its range for a declaration."""
        self.widths[name] = width
        self._signed[name] = signed
        self._used[name] = 0
        return declared_range(width, signed)

    def is_signed(self, name):
        """Whether a name can be negative."""
        return self._signed[name]

    def kind(self, name):
        """The type of a name in its declaration."""
        return declared_range(self.widths[name], self._signed[name])

    def bit(self, name, place):
        """One bit of a name."""
        return self.bits(name, place, place)

    def bits(self, name, high, low):
        """Bits `high` to `low` of a name."""
        self._used[name] |= (1 << (high + 1)) - (1 << low)
        if self.widths[name] == 1:
            return name
        if (low, high) == (0, self.widths[name] - 1):
            return name
        return f"{name}[{high}]" if high == low else f"{name}[{high}:{low}]"

    def whole(self, name):
        """All bits of a name."""
        return self.bits(name, self.widths[name] - 1, 0)

    def extended(self, name, width, shift=0):
        """A name shifted to the left, as a number of `width` bits.

        What does not fit is cut off at the top, as modulo 2^width.
        """
        own = self.widths[name]
        taken = min(own, width - shift)
        if taken <= 0:
            return zeros(width)
        parts = [self.bits(name, taken - 1, 0)]
        missing = width - shift - taken
        if missing and self._signed[name]:
            parts.insert(0, f"{{{missing}{{{self.bit(name, own - 1)}}}}}")
        elif missing:
            parts.insert(0, zeros(missing))
        if shift:
            parts.append(zeros(shift))
        return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"

    def table(self, address_width, width, entries, first):
        """The name of the function that looks up a table."""
        key = (address_width, width, entries, first)
        return self.tables.setdefault(key, f"table{len(self.tables)}")

    def unused(self):
        """What no expression reads, as a list of expressions."""
        found = []
        for name, width in self.widths.items():
            left = ~self._used[name] & ((1 << width) - 1)
            bit = 0
            while left >> bit:
                if not left >> bit & 1:
                    bit += 1
                    continue
                last = bit
                while left >> (last + 1) & 1:
                    last += 1
                found.append(self.bits(name, last, bit))
                bit = last + 1
        return found


def declared_range(width, signed=False):
    """The type of a wire or register ahead of its name."""
    found = " signed" if signed else ""
    return found + (f" [{width - 1}:0]" if width > 1 else "")


def zeros(width):
    """As many zeros."""
    return f"{width}'b0"


def number(value, width):
    """A constant of `width` bits, in two's complement."""
    return f"{width}'d{value % (1 << width)}"


def operation(signal, names, operands):
    """The Verilog expression of a signal.

    Args:
        signal: `Signal`.
        names: `Names`.
        operands: List of the names of its operands, or None for a constant.

    Returns:
        String.
    """
    return _WRITERS[signal.op](signal, names, operands)


def _operand(signal, names, name, width, shift=0):
    if name is None:
        return number(signal.low << shift, width)
    return names.extended(name, width, shift)


def _add(signal, names, operands):
    left_shift, right_shift, subtract = signal.data
    left, right = (
        _operand(arg, names, name, signal.width, shift)
        for arg, name, shift in zip(
            signal.args, operands, (left_shift, right_shift), strict=True
        )
    )
    if signal.args[0].low == signal.args[0].high == 0:
        return f"-{right}"
    return f"{left} {'-' if subtract else '+'} {right}"


def _multiply(signal, names, operands):
    signed = any(arg.signed for arg in signal.args)
    found = [names.extended(name, signal.width) for name in operands]
    if signed:
        found = [f"$signed({each})" for each in found]
    return " * ".join(found)


def _shift(signal, names, operands):
    (bits,), (name,) = signal.data, operands
    if bits > 0:
        return names.extended(name, signal.width, bits)
    own = names.widths[name]
    if -bits >= own:
        # Only a negative number leaves something: its sign.
        return f"{{{signal.width}{{{names.bit(name, own - 1)}}}}}"
    return names.bits(name, own - 1, -bits)


def _carry(signal, names, operands):
    (bits, rounding), (name,) = signal.data, operands
    own = names.widths[name]
    signed = signal.args[0].signed

    def bit(place):
        if place < own:
            return names.bit(name, place)
        return names.bit(name, own - 1) if signed else "1'b0"

    half = bit(bits - 1)
    if rounding == "nearest":
        return half
    if rounding == "toward_zero":
        rest = names.bits(name, min(bits, own) - 1, 0)
        return f"{bit(own - 1)} & (|{rest})"
    if bits == 1:
        return f"{half} & {bit(1)}"
    rest = names.bits(name, min(bits - 1, own) - 1, 0)
    return f"{half} & ({bit(bits)} | (|{rest}))"


def _saturate(signal, names, operands):
    (width, signed, minimum), (name,) = signal.data, operands
    own, negative = names.widths[name], signal.args[0].signed
    sign = names.bit(name, own - 1)
    kept = names.extended(name, width)
    if not signed:
        ones = f"{{{width}{{1'b1}}}}"
        top = own - 1 - negative
        if top >= width:
            kept = f"(|{names.bits(name, top, width)}) ? {ones} : {kept}"
        return f"{sign} ? {zeros(width)} : {kept}" if negative else kept
    if own < width or (own == width and negative):
        found = kept
    elif negative:
        above = names.bits(name, own - 1, width - 1)
        end = f"{{{sign}, {{{width - 1}{{~{sign}}}}}}}"
        found = f"((&{above}) | ~(|{above})) ? {kept} : {end}"
    else:
        above = names.bits(name, own - 1, width - 1)
        found = f"(|{above}) ? {number((1 << width - 1) - 1, width)} : {kept}"
    if minimum == -(1 << width - 1) or signal.args[0].low >= minimum:
        return found
    below = f"$signed({names.whole(name)}) < $signed({number(minimum, own)})"
    return f"({below}) ? {number(minimum, width)} : {found}"


def _narrow(signal, names, operands):
    return names.extended(operands[0], signal.width)


def _table(signal, names, operands):
    address, entries = signal.args[0], signal.data[1]
    width = address.width
    name = names.table(width, signal.width, entries, signal.data[0])
    return f"{name}({names.whole(operands[0])})"


def table_function(name, address_width, width, entries, first):
    """A table as a Verilog function, a list of lines."""
    text = [
        f"  function{declared_range(width)} {name};",
        f"    input{declared_range(address_width)} address;",
        "    case (address)",
    ]
    for place, entry in enumerate(entries):
        label = number(first + place, address_width)
        text.append(f"      {label}: {name} = {number(entry, width)};")
    text += [f"      default: {name} = {zeros(width)};"]
    return [*text, "    endcase", "  endfunction", ""]


_WRITERS = {
    "add": _add,
    "multiply": _multiply,
    "shift": _shift,
    "carry": _carry,
    "saturate": _saturate,
    "narrow": _narrow,
    "table": _table,
}
