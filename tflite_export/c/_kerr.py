"""C for a Kerr rotation: power, phase, cosine and sine, and the turn."""

from tflite_export import reference
from tflite_export.c._body import Body
from tflite_export.c._expressions import (
    add,
    literal,
    multiply,
    shift_right,
    square,
    subtract,
    variable,
)
from tflite_export.c._layout import pointers, storage_bits

_FOR = "    NAME_LOOP\n    for (t = 0; t < n; ++t) {"


def kerr_function(stage, name, source, sink, tables):
    """A function that turns all polarizations of a block.

    Args:
        stage: `tflite_export.KerrSpec`.
        name: String, its name.
        source: `Rows` of its input.
        sink: `Rows` of its output.
        tables: Names of the tables of cosines and sines, or None.

    Returns:
        List of lines, and the bits of the longest sum, 32 or 64.
    """
    kept = stage.memory > 0
    power_type = f"int{storage_bits(stage.power_format, 16)}_t"
    # Loads of neighbors, as a filter on the power has them, are not to be
    # carried from one sample to the next; for others nothing overlaps.
    alone = "" if kept else "NAME_RESTRICT "
    lines = [
        f"static NAME_APART void {name}(const {source.type} *{alone}x,",
        f"    {sink.type} *{alone}y, "
        + (f"{power_type} *p, size_t n)" if kept else "size_t n)"),
        "{",
        *pointers(source, sink),
        "    size_t t;",
        "",
    ]
    body = Body(8)
    value = _power(body, stage, source)
    if kept:
        body.write(f"p[t + {stage.memory}] = ({power_type}){value.text};")
        lines += [_FOR, *body.lines, "    }"]
        body = Body(8, body.widest)
    theta = _phase(body, stage, value)
    phasor = _phasor(body, stage, theta, tables)
    _turn(body, stage, source, sink, phasor)
    return [*lines, _FOR, *body.lines, "    }", "}", ""], body.widest


def _sample(stage, source, channel, offset=0):
    form = stage.signal_format
    text = source.sample("x", channel, offset)
    return variable(text, form.minimum_integer, form.maximum_integer)


def _power(body, stage, source):
    samples = [
        body.let("s", _sample(stage, source, c, source.history), 16)
        for c in range(source.channels)
    ]
    form = stage.power_format
    shift = 2 * stage.signal_format.fraction_bits - form.fraction_bits
    total = body.sum("power", [square(sample) for sample in samples])
    return body.rounded(total, shift, form, "p")


def _phase(body, stage, power):
    taps = stage.coefficients.tolist()
    form = stage.power_format
    middle = len(taps) // 2
    products = []
    for k, tap in enumerate(taps[: middle + 1]):
        if not tap:
            continue
        if stage.memory:
            power = _past(form, k)
            if k < middle:
                both = add(power, _past(form, len(taps) - 1 - k))
                power = body.let("both", both)
        products.append(multiply(power, literal(tap)))
    if not products and not stage.memory:
        body.write(f"(void){power.text};")
    total = body.sum("phase", products)
    exact = stage.coefficient_format.fraction_bits + form.fraction_bits
    shift = exact - stage.phase_format.fraction_bits
    return body.rounded(total, shift, stage.phase_format, "theta")


def _past(form, index):
    offset = f" + {index}" if index else ""
    return variable(f"p[t{offset}]", form.minimum_integer, form.maximum_integer)


def _phasor(body, stage, theta, tables):
    rotation = stage.rotation_format
    if stage.method == "lut":
        address = subtract(
            shift_right(theta, stage.dropped_bits),
            literal(stage.smallest_address),
        )
        address = body.let("address", address)
        return tuple(
            variable(
                f"{table}[{address.text}]", int(values.min()), int(values.max())
            )
            for table, values in zip(
                tables, (stage.cosines, stage.sines), strict=True
            )
        )
    fraction = stage.phase_format.fraction_bits
    squared = body.let("square", square(theta))
    cosine = body.rounded(
        subtract(literal(1 << 2 * fraction + 1), squared),
        2 * fraction + 1 - rotation.fraction_bits,
        rotation,
        "cosine",
    )
    if stage.method == "taylor2":
        shift = fraction - rotation.fraction_bits
        return cosine, body.rounded(theta, shift, rotation, "sine")
    return cosine, _cubic_sine(body, stage, theta, squared)


def _cubic_sine(body, stage, theta, squared):
    fraction = stage.phase_format.fraction_bits
    rotation = stage.rotation_format
    factor, sixth = reference.SIXTH
    shift = 2 * fraction - rotation.fraction_bits
    part = body.rounded(squared, shift, rotation, "cubic")
    part = multiply(part, literal(factor))
    part = body.rounded(part, sixth, rotation, "cubic")
    # theta - theta * part, over the finer of the two steps.
    finer = max(0, rotation.fraction_bits)
    if finer > rotation.fraction_bits:
        part = multiply(part, literal(1 << finer - rotation.fraction_bits))
    slope = body.let("slope", subtract(literal(1 << finer), part))
    sine = multiply(theta, slope)
    return body.rounded(
        sine, fraction + finer - rotation.fraction_bits, rotation, "sine"
    )


def _turn(body, stage, source, sink, phasor):
    cosine, sine = (
        body.let(stem, value, 16)
        for stem, value in zip("cs", phasor, strict=True)
    )
    exact = (
        stage.signal_format.fraction_bits + stage.rotation_format.fraction_bits
    )
    shift = exact - stage.output_format.fraction_bits
    for channel in range(0, sink.channels, 2):
        i, q = (
            body.let(stem, _sample(stage, source, channel + each), 16)
            for each, stem in enumerate("iq")
        )
        turned = (
            add(multiply(i, cosine), multiply(q, sine)),
            subtract(multiply(q, cosine), multiply(i, sine)),
        )
        for each, total in enumerate(turned):
            total = body.let("turned", total)
            value = body.rounded(total, shift, stage.output_format, "v")
            place = sink.sample("y", channel + each)
            body.write(f"{place} = ({sink.type}){value.text};")
