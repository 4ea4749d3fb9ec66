"""Statements of C: declarations, roundings, and sums without overflow."""

from tflite_export.c._expressions import (
    Expression,
    add,
    literal,
    multiply,
    shift_right,
    subtract,
    width_of,
)

_ZERO = literal(0)


class Body:
    """The statements inside a loop.

    Args:
        indent: Integer, spaces ahead of each line.
        widest: Integer, bits of the longest sum so far. Defaults to `32`.
    """

    def __init__(self, indent, widest=32):
        self.lines = []
        self.widest = widest
        self._indent = " " * indent
        self._counts = {}

    def write(self, line):
        """Appends a line."""
        self.lines.append(self._indent + line if line else line)

    def let(self, stem, value, smallest=32):
        """Declares a constant, and returns the `Expression` of its name.

        Args:
            stem: String with which the name begins.
            value: `Expression`.
            smallest: Integer, bits that its type has at least.
                Defaults to `32`.
        """
        count = self._counts.get(stem, 0)
        self._counts[stem] = count + 1
        name = f"{stem}{count}"
        bits = width_of(value.low, value.high, smallest)
        self.widest = max(self.widest, value.bits)
        text = _bare(value.text)
        if bits < (value.stored or value.bits):
            text = f"(int{bits}_t){value.text}"
        self._declare(f"const int{bits}_t {name} = ", text)
        return Expression(name, value.low, value.high, max(bits, 32), bits)

    def sum(self, stem, products):
        """Declares a sum, in 32 bits as long as those hold it.

        Args:
            stem: String with which names begin.
            products: List of `Expression`, each with 0 in its range, so that
                no part of the sum leaves the range of the whole.

        Returns:
            `Expression` of its name.
        """
        parts = [_chain(group) for group in _groups(products)]
        if len(parts) > 1:
            parts = [self.let("part", part) for part in parts]
        return self.let(stem, _chain(parts) if parts else _ZERO)

    def rounded(self, value, shift, form, stem="v"):
        """Divides by 2^shift, rounds, and brings into the range of a format.

        Args:
            value: `Expression`.
            shift: Integer; a negative one multiplies.
            form: `keras_bp.ops.FixedPoint`.
            stem: String with which names begin. Defaults to `"v"`.

        Returns:
            `Expression` of a name or constant.
        """
        if value.text.startswith("("):
            value = self.let(stem, value)
        value = self._shifted(value, shift, form.rounding, stem)
        return self._overflowed(value, form, stem)

    def _shifted(self, value, shift, rounding, stem):
        if shift == 0:
            return value
        if shift < 0:
            return self.let(stem, multiply(value, literal(1 << -shift)))
        half = 1 << shift - 1
        nearest = rounding in ("nearest", "nearest_even")
        least = half if nearest else 2 * half
        if rounding != "truncate" and value.magnitude < least:
            self.write(f"(void){value.text};")
            return _ZERO
        low, high = _rounded_ends(value, shift, rounding)
        if rounding == "nearest":
            value = add(value, literal(half))
        elif rounding == "nearest_even":
            odd = Expression(
                f"({shift_right(value, shift).text} & 1)", 0, 1, value.bits
            )
            value = add(add(value, literal(half - 1)), odd)
        elif rounding == "toward_zero" and value.low < 0:
            rest = (1 << shift) - 1
            up = Expression(
                f"({value.text} < 0 ? {literal(rest).text} : 0)",
                0,
                rest,
                literal(rest).bits,
            )
            value = add(value, up)
        value = shift_right(value, shift)
        return self.let(stem, Expression(value.text, low, high, value.bits))

    def _overflowed(self, value, form, stem):
        low, high = form.minimum_integer, form.maximum_integer
        if low <= value.low and value.high <= high:
            return value
        if form.overflow == "wrap":
            return self.let(stem, _wrapped(value, form))
        for end, beyond, sign, nearer in (
            (low, value.low < low, "<", max),
            (high, value.high > high, ">", min),
        ):
            if beyond:
                edge = literal(end)
                clipped = Expression(
                    f"({value.text} {sign} {edge.text} ? {edge.text}"
                    f" : {value.text})",
                    nearer(value.low, end),
                    nearer(value.high, end),
                    max(value.bits, edge.bits),
                )
                value = self.let(stem, clipped)
        return value

    def _declare(self, left, text):
        """Breaks a line at its operators where it is too long."""
        line = f"{left}{text};"
        if len(self._indent + line) <= 80 or "\n" not in text:
            self.write(line.replace("\n", " "))
            return
        self.write(left.rstrip())
        first, *rest = text.split("\n")
        for each in (first, *rest[:-1]):
            self.write(f"    {each}")
        self.write(f"    {rest[-1]};")


def _groups(products):
    """Runs of products whose sum fits into 32 bits, or single longer ones."""
    groups, low, high = [], 0, 0
    for product in products:
        low, high = low + product.low, high + product.high
        if not groups or product.bits > 32 or width_of(low, high, 32) > 32:
            groups.append([])
            low, high = product.low, product.high
            if product.bits > 32:
                # What follows does not fit beside it.
                low, high = -(1 << 31), (1 << 31) - 1
        groups[-1].append(product)
    return groups


def _chain(values):
    """One sum of several terms, a line each."""
    low, high = sum(v.low for v in values), sum(v.high for v in values)
    bits = max(width_of(low, high, 32), *(v.bits for v in values))
    texts = [_bare(value.text) for value in values]
    if bits > values[0].bits:
        texts[0] = f"(int64_t){values[0].text}"
    return Expression("(" + "\n+ ".join(texts) + ")", low, high, bits)


def _bare(text):
    """Without the outer parentheses, where they enclose all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for end in range(len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return text[1:end] if end == len(text) - 1 else text
    return text


def _rounded_ends(value, shift, rounding):
    half = 1 << shift - 1
    if rounding == "truncate":
        return value.low >> shift, value.high >> shift
    if rounding == "toward_zero":
        return tuple(
            end >> shift if end >= 0 else -(-end >> shift)
            for end in (value.low, value.high)
        )
    # A half goes up or to even, so at most up.
    down = value.low + half - (rounding == "nearest_even")
    return down >> shift, value.high + half >> shift


def _wrapped(value, form):
    mask = literal((1 << form.word_length) - 1)
    cast = "(int64_t)" if mask.bits > value.bits else ""
    bits = max(value.bits, mask.bits)
    text = f"({cast}{value.text} & {mask.text})"
    low, high = form.minimum_integer, form.maximum_integer
    if not form.signed:
        return Expression(text, 0, high, bits)
    sign = literal(1 << form.word_length - 1)
    kept = Expression(f"({text} ^ {sign.text})", 0, mask.high, bits)
    found = subtract(kept, sign)
    return Expression(found.text, low, high, found.bits)
