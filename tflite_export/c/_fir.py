"""C for a filter: constant taps, pre-added where they are symmetric."""

import dataclasses

import numpy as np

from tflite_export.c import _vectors
from tflite_export.c._body import Body
from tflite_export.c._expressions import (
    add,
    literal,
    multiply,
    subtract,
    variable,
    width_of,
)
from tflite_export.c._layout import pointers


@dataclasses.dataclass(frozen=True)
class Term:
    """What is multiplied by taps: a sample, or two of them together.

    Args:
        channel: Integer, the input.
        first: Integer, index of a sample; the oldest that counts has 0.
        second: The same, of a sample that is added or subtracted, or None.
        sign: 1 or -1, of the second.
        taps: Tuple of integers, one for each output.
    """

    channel: int
    first: int
    second: int | None
    sign: int
    taps: tuple

    def value(self, form, rows):
        """Its `Expression`, of samples at the time t."""
        ends = form.minimum_integer, form.maximum_integer
        samples = [
            variable(rows.sample("x", self.channel, index), *ends)
            for index in (self.first, self.second)
            if index is not None
        ]
        if len(samples) == 1:
            return samples[0]
        return (add if self.sign > 0 else subtract)(*samples)


def terms_of(stage, longest=64):
    """The terms of a filter, without those that no tap counts.

    Args:
        stage: `tflite_export.FIRSpec`.
        longest: Integer, bits that two samples together may have; where they
            have more, each is a term by itself. Defaults to `64`.

    Returns:
        List of `Term`.
    """
    kernel, found = stage.kernel, []
    last = len(kernel) - 1
    for k, taps_of_all in enumerate(kernel):
        for channel, taps in enumerate(taps_of_all):
            mirrored = kernel[last - k, channel]
            sign = int(np.all(taps == mirrored)) - int(
                np.all(taps == -mirrored)
            )
            if 2 * k == last or not _fits(stage, sign, longest):
                sign = 0
            # Of two together, the younger one stands for both.
            if np.any(taps) and not (sign and 2 * k > last):
                second = k if sign else None
                taps = tuple(map(int, taps))
                found.append(Term(channel, last - k, second, sign, taps))
    return found


def fir_function(stage, name, source, sink):
    """A function that filters one signal.

    Args:
        stage: `tflite_export.FIRSpec`.
        name: String, its name.
        source: `Rows` of its input.
        sink: `Rows` of its output.

    Returns:
        List of lines, and the bits of the longest sum, 32 or 64.
    """
    _, inputs, outputs = stage.kernel.shape
    terms = terms_of(stage)
    used = {term.channel // source.group for term in terms}
    source = dataclasses.replace(source, channels=inputs)
    sink = dataclasses.replace(sink, channels=outputs)
    statements, widest = _statements(stage, terms, source, sink)
    step = f"t += {stage.strides}" if stage.strides > 1 else "++t"
    lines = [
        f"static NAME_APART size_t {name}(const {source.type} *x,",
        f"    {sink.type} *y, size_t first, size_t n)",
        "{",
        *pointers(source, sink, used),
        "    size_t made = 0;",
        "    size_t t;",
        "",
        *([] if used else ["    (void)x;"]),
        *_vectors.loop(stage, terms_of(stage, 16), source, sink),
        "    NAME_LOOP",
        f"    for (t = first; t < n; {step}) {{",
        *statements,
        "        ++made;",
        "    }",
        "    return made;",
        "}",
        "",
    ]
    return lines, widest


def _fits(stage, sign, longest):
    form = stage.signal_format
    low, high = form.minimum_integer, form.maximum_integer
    if sign < 0:
        low, high = low - high, high - low
    elif sign > 0:
        low, high = 2 * low, 2 * high
    return width_of(low, high) <= longest


def _products(stage, terms, values):
    """The products of each output."""
    return [
        [
            multiply(value, literal(term.taps[output]))
            for value, term in zip(values, terms, strict=True)
            if term.taps[output]
        ]
        for output in range(stage.kernel.shape[2])
    ]


def _statements(stage, terms, source, sink):
    body = Body(8)
    values = [
        body.let("s", term.value(stage.signal_format, source), 16)
        for term in terms
    ]
    for output, products in enumerate(_products(stage, terms, values)):
        total = body.sum("sum", products)
        value = body.rounded(total, stage.shift, stage.output_format)
        place = sink.sample("y", output)
        if stage.strides > 1:
            place = place.replace("t", "made")
        body.write(f"{place} = ({sink.type}){value.text};")
    return body.lines, body.widest
