"""Whole numbers that hardware computes, each with its exact range."""

import dataclasses

from tflite_export.adder_graph import AdderGraph, bit_width

# What has no register in front of it: it does not change with the samples.
STATIC = ("constant", "tap")


@dataclasses.dataclass(frozen=True, eq=False)
class Signal:
    """One whole number for each sample.

    Args:
        op: String, what computes it, a method of `Netlist`.
        args: Tuple of `Signal`, its operands.
        data: Tuple of what else the operation depends on.
        low: Integer, its smallest value.
        high: Integer, its largest value.
        depth: Integer, adders on the longest way from an input to here.
        hint: String, with which its name begins.
    """

    op: str
    args: tuple
    data: tuple
    low: int
    high: int
    depth: int
    hint: str

    @property
    def width(self):
        """Its bits, a sign among them where it can be negative."""
        return bit_width(self.low, self.high)

    @property
    def signed(self):
        """Whether it can be negative."""
        return self.low < 0

    @property
    def static(self):
        """Whether it is the same for all samples."""
        return self.op in STATIC

    @property
    def cost(self):
        """Levels of adders that it adds to those of its operands."""
        if self.op == "multiply":
            # The partial products of the shorter factor, and their tree.
            shorter = min(arg.width for arg in self.args)
            return 1 + max(0, shorter - 1).bit_length()
        return 1 if self.op in ("add", "saturate", "table") else 0


class Netlist:
    """Signals that depend on each other, and the outputs among them.

    Operations on what cannot change are carried out here; others give a new
    `Signal`. All of them are exact, with the smallest and the largest value
    that the ranges of the operands allow.
    """

    def __init__(self):
        self.signals = []
        self.outputs = []

    def input(self, offset, low, high, hint="x"):
        """The bits of the input from `offset` on."""
        return self._new("input", (), (offset,), low, high, hint)

    def constant(self, value):
        """A number that does not change."""
        return Signal("constant", (), (), int(value), int(value), 0, "c")

    def tap(self, address, low, high, reset, hint="h"):
        """A number that is written from outside; it is `reset` at first."""
        return self._new("tap", (), (address, reset), low, high, hint)

    def delay(self, a, samples):
        """The value of `a` that many samples ago, 0 before the first."""
        if samples == 0 or a.static:
            return a
        if a.op == "delay":
            samples, a = samples + a.data[0], a.args[0]
        low, high = min(0, a.low), max(0, a.high)
        # A register may hold the zeros ahead of the first sample.
        return self._new("delay", (a,), (samples,), low, high, a.hint)

    def add(self, a, b, *, shifts=(0, 0), subtract=False, ends=None, hint="s"):
        """a · 2^shift ± b · 2^shift, with `ends` if its range is known."""
        low, high = (end << shifts[0] for end in (a.low, a.high))
        other = [end << shifts[1] for end in (b.low, b.high)]
        if subtract:
            other = [-end for end in other[::-1]]
        low, high = ends or (low + other[0], high + other[1])
        if low == high:
            return self.constant(low)
        if b.low == b.high == 0:
            return self.shift(a, shifts[0])
        if a.low == a.high == 0 and not subtract:
            return self.shift(b, shifts[1])
        return self._new("add", (a, b), (*shifts, subtract), low, high, hint)

    def multiply(self, a, b, hint="m"):
        """a · b."""
        for one, other in ((a, b), (b, a)):
            if one.op == "constant":
                return self.linear([[one.low]], [other], hint)[0]
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = min(ends), max(ends)
        if a is b:
            low = 0 if a.low <= 0 <= a.high else min(a.low**2, a.high**2)
            high = max(a.low**2, a.high**2)
        return self._new("multiply", (a, b), (), low, high, hint)

    def shift(self, a, bits):
        """a · 2^bits, rounded down where `bits` is negative."""
        if bits == 0:
            return a
        ends = (a.low, a.high)
        low, high = (e << bits if bits > 0 else e >> -bits for e in ends)
        return self._new("shift", (a,), (bits,), low, high, a.hint)

    def carry(self, a, bits, rounding):
        """What a rounding adds to a / 2^bits rounded down: 0 or 1."""
        if bits <= 0 or rounding == "truncate":
            return self.constant(0)
        if rounding == "toward_zero" and a.low >= 0:
            return self.constant(0)
        return self._new("carry", (a,), (bits, rounding), 0, 1, "carry")

    def saturate(self, a, form):
        """The nearest number in the range of a `FixedPoint`."""
        low, high = form.minimum_integer, form.maximum_integer
        if low <= a.low and a.high <= high:
            return a
        ends = [min(max(end, low), high) for end in (a.low, a.high)]
        bits = (form.word_length, form.signed, form.minimum_integer)
        full = self._new("saturate", (a,), bits, low, high, a.hint)
        return self.narrow(full, *ends)

    def wrap(self, a, form):
        """The lowest bits of `a`, as a number of a `FixedPoint`."""
        low, high = form.minimum_integer, form.maximum_integer
        if low <= a.low and a.high <= high:
            return a
        return self._new("narrow", (a,), (), low, high, a.hint)

    def narrow(self, a, low, high):
        """The same number, which is known to lie in a smaller range."""
        if bit_width(low, high) == a.width and (low < 0) == a.signed:
            return a
        return self._new("narrow", (a,), (), low, high, a.hint)

    def table(self, a, entries, hint="t"):
        """entries[a - (smallest a)]."""
        entries = tuple(int(entry) for entry in entries)
        low, high = min(entries), max(entries)
        return self._new("table", (a,), (a.low, entries), low, high, hint)

    def linear(self, matrix, signals, hint="s"):
        """A constant matrix times signals, by an `AdderGraph`."""
        graph = AdderGraph(
            matrix,
            [(signal.low, signal.high) for signal in signals],
            [signal.depth for signal in signals],
        )
        nodes = list(signals)
        for adder in graph.adders:
            left = self.constant(0)
            if adder.left is not None:
                left = nodes[adder.left]
            nodes.append(
                self.add(
                    left,
                    nodes[adder.right],
                    shifts=(adder.left_shift, adder.right_shift),
                    subtract=adder.subtract,
                    ends=(adder.low, adder.high),
                    hint=hint,
                )
            )
        return [
            self.constant(0)
            if out.node is None
            else self.shift(nodes[out.node], out.shift)
            for out in graph.outputs
        ]

    def sum(self, terms):
        """The sum of pairs of a `Signal` and a sign, 1 or -1."""
        signs = [sign for _, sign in terms]
        return self.linear([signs], [term for term, _ in terms], "sum")[0]

    def round_to(self, a, fraction_bits, form):
        """`a` of that many fraction bits, rounded to a `FixedPoint`."""
        bits = fraction_bits - form.fraction_bits
        one = self.carry(a, bits, form.rounding)
        ends = [_rounded(end, bits, form.rounding) for end in (a.low, a.high)]
        value = self.add(self.shift(a, -bits), one, ends=ends, hint=a.hint)
        if value.op == "constant":
            return self.constant(_within(value.low, form))
        if form.overflow == "wrap":
            return self.wrap(value, form)
        return self.saturate(value, form)

    def _new(self, op, args, data, low, high, hint):
        if low == high and op not in ("input", "tap", "delay"):
            return self.constant(low)
        depth = max((arg.depth for arg in args), default=0)
        signal = Signal(op, args, data, low, high, depth, hint)
        signal = dataclasses.replace(signal, depth=depth + signal.cost)
        self.signals.append(signal)
        return signal


def _rounded(value, bits, rounding):
    """A Python integer divided by 2^bits and rounded."""
    if bits <= 0:
        return value << -bits
    half = 1 << (bits - 1)
    if rounding == "nearest":
        return (value + half) >> bits
    if rounding == "nearest_even":
        return (value + half - 1 + ((value >> bits) & 1)) >> bits
    if rounding == "toward_zero" and value < 0:
        return -(-value >> bits)
    return value >> bits


def _within(value, form):
    """A Python integer brought into the range of a `FixedPoint`."""
    low, high = form.minimum_integer, form.maximum_integer
    if form.overflow == "wrap":
        return low + (value - low) % (1 << form.word_length)
    return min(max(value, low), high)
