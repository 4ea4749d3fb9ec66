"""Where the C target keeps its samples: rows, histories, and scratch."""

import dataclasses

from tflite_export.c._expressions import width_of
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec


@dataclasses.dataclass(frozen=True)
class Rows:
    """Samples between two stages.

    A row holds one channel, or I and Q of a complex signal in turn.

    Args:
        index: Integer, of the stage that reads them.
        channels: Integer.
        history: Integer, samples of the past ahead of those of a block.
        bits: Integer, 16, 32 or 64, of a sample.
        group: Integer, 1 or 2, the channels of a row.
    """

    index: int
    channels: int
    history: int
    bits: int
    group: int

    @property
    def type(self):
        """The type of a sample in C."""
        return f"int{self.bits}_t"

    @property
    def count(self):
        """How many rows there are."""
        return self.channels // self.group

    @property
    def length(self):
        """Numbers of a row, as an expression of C."""
        found = "NAME_BLOCK"
        if self.history:
            found = f"({self.history} + NAME_BLOCK)"
        return found if self.group == 1 else f"{self.group} * {found}"

    @property
    def buffer(self):
        """Name of the scratch memory that holds them."""
        return f"{'ab'[self.index % 2]}{self.bits}"

    def at(self, base, row, offset=0):
        """Address of a sample of a row, as an expression of C."""
        parts = [base]
        if row == 1:
            parts.append(self.length)
        elif row:
            parts.append(f"{row} * {self.length}")
        if offset:
            parts.append(str(self.group * offset))
        return " + ".join(parts)

    def sample(self, name, channel, offset=0):
        """A sample at the time t, of the rows x0, x1, ... for the name x."""
        row, turn = divmod(channel, self.group)
        offset = self.group * offset + turn
        time = "t" if self.group == 1 else f"{self.group} * t"
        return f"{name}{row}[{time}{f' + {offset}' if offset else ''}]"


def storage_bits(form, smallest=8):
    """Bits of the signed integer type that holds a format."""
    return width_of(form.minimum_integer, form.maximum_integer, smallest)


def history_of(stage):
    """Past samples that a stage keeps of its input."""
    return stage.delay if isinstance(stage, KerrSpec) else stage.memory


def pointers(source, sink, used=None):
    """Declares the rows x0, x1, ... and y0, y1, ... of a function.

    Args:
        source: `Rows` behind `x`.
        sink: `Rows` behind `y`.
        used: Set of the rows of `source` that count, or None for all.
            Defaults to `None`.
    """
    return [
        f"    {constant}{rows.type} *const {name}{c} = {rows.at(name, c)};"
        for constant, name, rows in (("const ", "x", source), ("", "y", sink))
        for c in range(rows.count)
        if name == "y" or used is None or c in used
    ]


def all_rows(chain):
    """The `Rows` ahead of each stage of a chain, and after the last."""
    group = _group_of(chain)
    forms = [stage.signal_format for stage in chain.stages]
    histories = [history_of(stage) for stage in chain.stages]
    return [
        Rows(index, channels, history, storage_bits(form, 16), group)
        for index, (channels, history, form) in enumerate(
            zip(
                chain.stage_channels,
                [*histories, 0],
                [*forms, chain.output_format],
                strict=True,
            )
        )
    ]


def _group_of(chain):
    """2 for complex filters alone, whose pairs add up as they lie, else 1.

    A Kerr rotation is faster on rows of one channel.
    """
    filters = [getattr(stage, "complex", None) for stage in chain.stages]
    kerr = any(isinstance(stage, KerrSpec) for stage in chain.stages)
    return 2 if True in filters and False not in filters and not kerr else 1


def scratch(chain):
    """The scratch memory of a block.

    Returns:
        Dictionary from names to `(bits, channels, history)`, the largest of
        all rows that use it.
    """
    found = {}
    for rows in all_rows(chain):
        _, channels, history = found.get(rows.buffer, (0, 0, 0))
        found[rows.buffer] = (
            rows.bits,
            max(channels, rows.channels),
            max(history, rows.history),
        )
    return found


def state_members(chain):
    """What a stream remembers.

    Returns:
        List of `(bits, name, dimensions)`; the position of a filter that
        strides has 0 bits, and is a `uint32_t`.
    """
    found = []
    for index, (stage, rows) in enumerate(
        zip(chain.stages, all_rows(chain), strict=False)
    ):
        if rows.history:
            shape = (rows.count, rows.group * rows.history)
            found.append((rows.bits, f"x{index}", shape))
        if isinstance(stage, KerrSpec) and stage.memory:
            bits = storage_bits(stage.power_format, 16)
            found.append((bits, f"p{index}", (stage.memory,)))
        if isinstance(stage, FIRSpec) and stage.strides > 1:
            found.append((0, f"wait{index}", ()))
    return found


def state_bytes(chain):
    """Size of the state, with the gaps that alignment leaves."""
    size, alignment = 0, 1
    for bits, _, shape in state_members(chain):
        each = (bits or 32) // 8
        count = 1
        for length in shape:
            count *= length
        size += -size % each + each * count
        alignment = max(alignment, each)
    return max(1, size + -size % alignment)


def scratch_bytes(chain, block):
    """Bytes of the stack that a block takes, but for single variables."""
    size = sum(
        bits // 8 * channels * (history + block)
        for bits, channels, history in scratch(chain).values()
    )
    powers = [
        storage_bits(stage.power_format, 16) // 8 * (stage.memory + block)
        for stage in chain.stages
        if isinstance(stage, KerrSpec) and stage.memory
    ]
    return size + max(powers, default=0)
