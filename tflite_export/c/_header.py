"""A chain as one C99 header."""

import re

import numpy as np

from keras_bp import _checks
from tflite_export.c._block import block_function
from tflite_export.c._expressions import width_of
from tflite_export.c._fir import fir_function
from tflite_export.c._kerr import kerr_function
from tflite_export.c._layout import (
    all_rows,
    scratch_bytes,
    state_bytes,
    state_members,
    storage_bits,
)
from tflite_export.c._round import round_function
from tflite_export.c._text import (
    DIRECT,
    FOOT,
    HEAD,
    INIT,
    PROCESS,
    describe_format,
    describe_stage,
)
from tflite_export.c._vector_macros import MACROS
from tflite_export.chain_spec import check_chain
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec

BLOCK = 256


def to_header(chain, name="filter", *, block=BLOCK):
    """Writes a chain as a C99 header that filters a stream.

    It needs `<stdint.h>`, `<stddef.h>` and `<string.h>` alone, and no heap.
    `NAME_init` clears a `NAME_state`; `NAME_process` takes any number of
    samples, channels in turn, and returns how many it made: sample by sample
    those of `tflite_export.Stream`. The taps are constants of the code. Sums
    take 32 bits where the formats prove that those hold them, and 64 bits
    elsewhere. On x86 sums of pairs become multiply-add instructions (SSE2,
    AVX2 or AVX-512, whatever the compiler may use); the rest is plain C.

    Args:
        chain: `tflite_export.ChainSpec`.
        name: String, an identifier of small letters, digits and underscores
            with which every name begins. Defaults to `"filter"`.
        block: Positive integer, samples that are filtered at a time, and
            take scratch memory on the stack; the macro `NAME_BLOCK`, defined
            before the header is included, says otherwise. Defaults to `256`.

    Returns:
        String, the text of the header.

    Raises:
        TypeError: `block` is no integer.
        ValueError: `name` is no such identifier, `block` is not positive, or
            a number takes more than 64 bits.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import ChainSpec, FIRSpec, c
    >>> form = FixedPoint(8, 7)
    >>> taps = np.array([3, 5, 3]).reshape(3, 1, 1)
    >>> spec = FIRSpec(taps, FixedPoint(4, 3), form, form, "causal",
    ...                complex=False)
    >>> header = c.to_header(ChainSpec([spec], channels=1), "smooth")
    >>> "size_t smooth_process(" in header
    True
    """
    text, _ = _written(chain, name, block)
    return text


def describe(chain, *, block=BLOCK):
    """Sizes and types of the header of a chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        block: Positive integer, see `to_header`. Defaults to `256`.

    Returns:
        Dictionary: `state_bytes`, `table_bytes`, `scratch_bytes` (of the
        stack, for a block), `input_bits`, `output_bits`, and
        `accumulator_bits`, a list for the stages.
    """
    _, widths = _written(chain, "filter", block)
    tables = _tables(chain)
    return {
        "block": block,
        "state_bytes": state_bytes(chain),
        "table_bytes": sum(
            len(values) * width_of(min(values), max(values)) // 8
            for values in tables
        ),
        "scratch_bytes": scratch_bytes(chain, block),
        "input_bits": storage_bits(chain.input_format),
        "output_bits": storage_bits(chain.output_format),
        "accumulator_bits": widths,
    }


def _written(chain, name, block):
    owner = "c.to_header"
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(
            f"{owner} expects `name` to be an identifier of small letters, "
            f"digits and underscores. Received: name={name!r}"
        )
    _checks.check_integer("block", block, minimum=1, owner=owner)
    check_chain(chain, owner)
    functions, widths = _functions(chain)
    parts = [
        HEAD.format(
            input=describe_format(chain.input_format),
            output=describe_format(chain.output_format),
            input_channels=chain.channels,
            output_channels=chain.output_channels,
            delay=chain.delay,
            memory=chain.memory,
            strides=chain.strides,
            block=block,
            input_bits=storage_bits(chain.input_format),
            output_bits=storage_bits(chain.output_format),
            minimum=chain.input_format.minimum_integer,
            maximum=chain.input_format.maximum_integer,
        ),
        _state(chain),
        *_table_lines(chain),
        *functions,
        INIT,
        *block_function(chain),
        PROCESS.replace("@DIRECT@", _direct(chain)),
        FOOT,
    ]
    text = "\n".join(parts)
    if "NAME_LANES" in text:
        text = text.replace("@VECTORS@", MACROS + "\n")
    text = text.replace("@VECTORS@", "")
    text = text.replace("NAME_", f"{name.upper()}_")
    return text.replace("name_", f"{name}_"), widths


def _functions(chain):
    """The function of each stage, and the widths of their sums."""
    rows, tables = all_rows(chain), _tables(chain)
    lines, widths = [], []
    for index, stage in enumerate(chain.stages):
        between = rows[index], rows[index + 1]
        if isinstance(stage, FIRSpec):
            made, bits = fir_function(stage, f"name_fir{index}", *between)
        elif isinstance(stage, KerrSpec):
            names = [
                f"name_table{tables.index(_entries(table))}"
                for table in (stage.cosines, stage.sines)
                if table is not None
            ]
            made, bits = kerr_function(
                stage, f"name_kerr{index}", *between, names
            )
        else:
            made, bits = round_function(stage, f"name_round{index}", *between)
        lines += [describe_stage(index, stage, bits), *made]
        widths.append(bits)
    return lines, widths


def _entries(table):
    return tuple(np.asarray(table).tolist())


def _tables(chain):
    """The different tables of a chain, each a tuple."""
    found = []
    for stage in chain.stages:
        for table in ("cosines", "sines"):
            values = getattr(stage, table, None)
            if values is not None and _entries(values) not in found:
                found.append(_entries(values))
    return found


def _table_lines(chain):
    lines = []
    for index, values in enumerate(_tables(chain)):
        bits = width_of(min(values), max(values))
        lines.append(
            f"static const int{bits}_t name_table{index}[{len(values)}] = {{"
        )
        for first in range(0, len(values), 8):
            part = ", ".join(map(str, values[first : first + 8]))
            lines.append(f"    {part},")
        lines += ["};", ""]
    return lines


def _state(chain):
    members = [
        f"    int{bits}_t {name}{''.join(f'[{n}]' for n in shape)};"
        if bits
        else f"    uint32_t {name};"
        for bits, name, shape in state_members(chain)
    ]
    members = members or ["    char unused;"]
    return "\n".join(["typedef struct {", *members, "} name_state;", ""])


def _direct(chain):
    """Filters samples where they are, if the chain is one that can."""
    source, sink = all_rows(chain)[:2]
    stage = chain.stages[0]
    fits = (
        len(chain.stages) == 1
        and isinstance(stage, FIRSpec)
        and stage.strides == 1
        and source.count == sink.count == 1
        and storage_bits(stage.signal_format) == source.bits
        and storage_bits(stage.output_format) == sink.bits
        and source.history
    )
    if not fits:
        return ""
    return DIRECT.format(
        history=source.history,
        numbers=source.group * source.history,
        group=source.group,
    )
