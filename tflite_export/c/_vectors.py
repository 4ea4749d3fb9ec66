"""C for sums of products of pairs, as x86 adds them up."""

from tflite_export.c._expressions import literal


def supported(stage, terms, source, sink):
    """Whether sums of pairs compute a filter, without an overflow.

    Args:
        stage: `tflite_export.FIRSpec`.
        terms: List of `Term`, of at most 16 bits.
        source: `Rows` of its input.
        sink: `Rows` of its output.
    """
    if stage.strides > 1 or source.bits > 16 or sink.bits > 16 or not terms:
        return False
    if not 0 <= stage.shift < 31:
        return False
    form, half = stage.signal_format, 1 << stage.shift >> 1
    ends = [term.value(form, source) for term in terms]
    for output in range(stage.kernel.shape[2]):
        taps = [term.taps[output] for term in terms]
        if any(not -(1 << 15) <= tap < 1 << 15 for tap in taps):
            return False
        # Any part of the sum, and what is added to it to round.
        bound = sum(
            abs(tap) * value.magnitude
            for tap, value in zip(taps, ends, strict=True)
        )
        if bound + 2 * half >= 1 << 31:
            return False
    return True


def loop(stage, terms, source, sink):
    """The lines that filter by pairs, where the compiler can.

    Args:
        stage: `tflite_export.FIRSpec`.
        terms: List of `Term`, of at most 16 bits.
        source: `Rows` of its input.
        sink: `Rows` of its output.

    Returns:
        List of lines; empty if `supported` is false.
    """
    if not supported(stage, terms, source, sink):
        return []
    lanes = "NAME_LANES" if source.group == 1 else "NAME_LANES / 2"
    return [
        "#ifdef NAME_LANES",
        f"    if (n >= {lanes}) {{",
        "        for (t = 0;;) {",
        *(f"            {line}" for line in _statements(stage, terms, source)),
        f"            if (t == n - {lanes})",
        "                return n;",
        "            /* The last vector ends with the block. */",
        f"            t += {lanes};",
        f"            if (t > n - {lanes})",
        f"                t = n - {lanes};",
        "        }",
        "    }",
        "#endif",
    ]


def _statements(stage, terms, source):
    """What makes one vector of each output from terms of one vector."""
    outputs = range(stage.kernel.shape[2])
    add, store, halves = _add_terms, _store_row, ("low", "high")
    if source.group == 2:
        add, store, halves = _add_samples, _store_samples, ("low",)
    names = [f"{half}{output}" for output in outputs for half in halves]
    begin = _offset(stage)
    lines = [f"name_vector {name} = NAME_ALL({begin});" for name in names]
    for first in range(0, len(terms), 2):
        lines += add(terms[first : first + 2], source)
    for name in names:
        lines += _rounded(stage, name)
    for first in range(0, len(outputs), source.group):
        lines += store(stage.output_format, first)
    return lines


def _offset(stage):
    """What a sum begins with, so that a shift rounds it."""
    half = 1 << stage.shift >> 1
    rounding = stage.output_format.rounding
    if rounding == "nearest":
        return half
    return half - 1 if rounding == "nearest_even" and half else 0


def _add_terms(terms, source):
    """Adds the products of two terms, or of one and nothing, to all sums."""
    first, second = (_vector(term, source) for term in (terms[0], terms[-1]))
    lines = [
        "{",
        f"    NAME_PAIRS({first},",
        f"        {second if len(terms) > 1 else 'p'});",
    ]
    for output, taps in enumerate(_tap_pairs(terms)):
        if taps:
            lines.append(f"    NAME_ADD({output}, {literal(taps).text});")
    return [*lines, "}"]


def _add_samples(terms, source):
    """Adds the products of I and Q, which a row holds in turn, to all sums."""
    lines = ["{", f"    const name_vector p = {_vector(terms[0], source)};"]
    for output, taps in enumerate(_tap_pairs(terms)):
        if taps:
            text = literal(taps).text
            lines.append(f"    NAME_DOT(low{output}, p, NAME_ALL({text}));")
    return [*lines, "}"]


def _vector(term, source):
    places = [
        source.sample("x", term.channel, index).replace("[", " + ")[:-1]
        for index in (term.first, term.second)
        if index is not None
    ]
    operation = "LOAD"
    if len(places) > 1:
        operation = "SUM" if term.sign > 0 else "DIFFERENCE"
    return f"NAME_{operation}({', '.join(places)})"


def _tap_pairs(terms):
    """For each output the taps of both terms, as one integer of 32 bits."""
    for output in range(len(terms[0].taps)):
        taps = [term.taps[output] for term in terms] + [0]
        both = (taps[0] & 0xFFFF) | (taps[1] & 0xFFFF) << 16
        yield both - ((both >> 31) << 32)


def _rounded(stage, name):
    """Shifts a sum, and lets it wrap."""
    shift, form = stage.shift, stage.output_format
    add = f"{name} = NAME_V(add_epi32)({name}, NAME_BITS(and)("
    lines = []
    if form.rounding == "nearest_even" and shift:
        # The half is in the sum, less one: an odd integer gets it back.
        back = 1 - (1 << shift >> 1)
        lines += [
            add,
            f"    NAME_V(srai_epi32)(NAME_V(add_epi32)({name}, "
            f"NAME_ALL({back})), {shift}),",
            "    NAME_ALL(1)));",
        ]
    if form.rounding == "toward_zero" and shift:
        rest = (1 << shift) - 1
        lines += [
            add,
            f"    NAME_V(srai_epi32)({name}, 31), NAME_ALL({rest})));",
        ]
    if shift:
        lines.append(f"{name} = NAME_V(srai_epi32)({name}, {shift});")
    if form.overflow == "wrap" and form.signed:
        above = 32 - form.word_length
        lines += [
            f"{name} = NAME_V(srai_epi32)(",
            f"    NAME_V(slli_epi32)({name}, {above}), {above});",
        ]
    elif form.overflow == "wrap":
        mask = form.maximum_integer
        lines.append(f"{name} = NAME_BITS(and)({name}, NAME_ALL({mask}));")
    return lines


def _store_row(form, output):
    packed = f"low{output}, high{output}"
    return _stored(form, f"low{output}", packed, f"y{output} + t")


def _store_samples(form, first):
    i, q = f"low{first}", f"low{first + 1}"
    packed = (
        f"\n    NAME_V(unpacklo_epi32)({i}, {q}),"
        f"\n    NAME_V(unpackhi_epi32)({i}, {q})"
    )
    return _stored(form, i, packed, f"y{first // 2} + 2 * t")


def _stored(form, name, packed, place):
    """The pack saturates to 16 bits; a shorter format is within."""
    lines = f"{name} = NAME_V(packs_epi32)({packed});".split("\n")
    if form.overflow != "wrap":
        for operation, end, edge in (
            ("max", form.minimum_integer, -(1 << 15)),
            ("min", form.maximum_integer, (1 << 15) - 1),
        ):
            if end != edge:
                lines += [
                    f"{name} = NAME_V({operation}_epi16)(",
                    f"    {name}, NAME_V(set1_epi16)({end}));",
                ]
    return [*lines, f"NAME_STORE({place}, {name});"]
