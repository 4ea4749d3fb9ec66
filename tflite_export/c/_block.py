"""C for one block: its samples in rows, stage after stage, and out again."""

from tflite_export.c._layout import (
    all_rows,
    scratch,
    state_members,
    storage_bits,
)
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec


def block_function(chain):
    """The function that filters at most NAME_BLOCK samples.

    Args:
        chain: `tflite_export.ChainSpec`.

    Returns:
        List of lines.
    """
    rows = all_rows(chain)
    lines = [
        "static size_t name_block(name_state *state, const name_in_t *in,",
        "    name_out_t *out, size_t n)",
        "{",
        *(
            f"    int{bits}_t {name}[{channels} * ({history} + NAME_BLOCK)];"
            for name, (bits, channels, history) in scratch(chain).items()
        ),
        "    size_t t;",
        "",
        *([] if state_members(chain) else ["    (void)state;"]),
        *_copied(rows[0], inward=True),
    ]
    for index, stage in enumerate(chain.stages):
        lines += _stage(index, stage, rows[index], rows[index + 1])
    return [*lines, *_copied(rows[-1], inward=False), "    return n;", "}", ""]


def _copied(rows, inward):
    """Between samples, their channels in turn, and rows."""
    each, channels = rows.group, rows.channels
    lines = []
    for row in range(rows.count):
        place = rows.at("", row, rows.history).removeprefix(" + ")
        for turn in range(each if channels > each else 1):
            # One row is a copy, whatever its numbers are.
            index = f"{each} * t + {turn}" if channels > each else "t"
            index = index.removeprefix("1 * ").removesuffix(" + 0")
            outside = f"{channels} * t + {each * row + turn}"
            outside = outside.removesuffix(" + 0") if channels > each else "t"
            inside = f"{rows.buffer}[{f'{place} + ' if place else ''}{index}]"
            if inward:
                lines.append(f"        {inside} = in[{outside}];")
            else:
                lines.append(f"        out[{outside}] = (name_out_t){inside};")
    times = f"{each} * n" if channels == each > 1 else "n"
    if inward:
        # There is a sample: else compilers fear that rows are not set.
        return [
            "    t = 0;",
            "    do {",
            *lines,
            f"    }} while (++t < {times});",
        ]
    return [f"    for (t = 0; t < {times}; ++t) {{", *lines, "    }"]


def _stage(index, stage, source, sink):
    """The past of a stage ahead of its input, and its call."""
    into = sink.at(sink.buffer, 0, sink.history)
    lines = [f"    /* Stage {index}. */"]
    times = "n" if source.group == 1 else f"{source.group} * n"
    for row in range(source.count if source.history else 0):
        past = f"state->x{index}[{row}]"
        place = source.at(source.buffer, row)
        lines += [
            f"    memcpy({place}, {past}, sizeof {past});",
            f"    memcpy({past}, {place} + {times}, sizeof {past});",
        ]
    if isinstance(stage, FIRSpec):
        return lines + _fir_calls(index, stage, source, sink)
    if isinstance(stage, KerrSpec) and stage.memory:
        bits = storage_bits(stage.power_format, 16)
        return [
            *lines,
            "    {",
            f"        int{bits}_t p[{stage.memory} + NAME_BLOCK];",
            f"        memcpy(p, state->p{index}, sizeof state->p{index});",
            f"        name_kerr{index}({source.buffer}, {into}, p, n);",
            f"        memcpy(state->p{index}, p + n, sizeof state->p{index});",
            "    }",
        ]
    kind = "kerr" if isinstance(stage, KerrSpec) else "round"
    return [*lines, f"    name_{kind}{index}({source.buffer}, {into}, n);"]


def _fir_calls(index, stage, source, sink):
    """One call for each of the signals that the filter takes."""
    _, inputs, outputs = stage.kernel.shape
    count = source.channels // inputs
    first = f"state->wait{index}" if stage.strides > 1 else "0"
    calls = []
    for signal in range(count):
        taken = source.at(source.buffer, signal * inputs // source.group)
        into = sink.at(
            sink.buffer, signal * outputs // sink.group, sink.history
        )
        calls.append(f"name_fir{index}({taken}, {into}, {first}, n);")
    if stage.strides == 1:
        return [f"    (void){call}" for call in calls]
    wait = f"state->wait{index}"
    return [
        "    {",
        "        size_t made;",
        *(f"        made = {call}" for call in calls),
        f"        {wait} = (uint32_t)({wait} + made * {stage.strides} - n);",
        "        n = made;",
        "    }",
    ]
