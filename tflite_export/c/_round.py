"""C for a change of format."""

from tflite_export.c._body import Body
from tflite_export.c._expressions import variable


def round_function(stage, name, source, sink):
    """A function that rounds all channels of a block.

    Args:
        stage: `tflite_export.RoundSpec`.
        name: String, its name.
        source: `Rows` of its input.
        sink: `Rows` of its output.

    Returns:
        List of lines, and the bits of the longest number, 32 or 64.
    """
    form = stage.signal_format
    body = Body(12)
    sample = variable("from[t]", form.minimum_integer, form.maximum_integer)
    sample = body.let("s", sample, 16)
    value = body.rounded(sample, stage.shift, stage.output_format)
    body.write(f"to[t] = ({sink.type}){value.text};")
    count = "n" if source.group == 1 else f"{source.group} * n"
    lines = [
        f"static NAME_APART void {name}(const {source.type} *NAME_RESTRICT x,",
        f"    {sink.type} *NAME_RESTRICT y, size_t n)",
        "{",
        "    size_t c;",
        "    size_t t;",
        "",
        f"    for (c = 0; c < {source.count}; ++c) {{",
        f"        const {source.type} *const from = x + c * {source.length};",
        f"        {sink.type} *const to = y + c * {sink.length};",
        "",
        f"        for (t = 0; t < {count}; ++t) {{",
        *body.lines,
        "        }",
        "    }",
        "}",
        "",
    ]
    return lines, body.widest
