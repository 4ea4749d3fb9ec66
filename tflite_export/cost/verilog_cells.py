"""Models of the cells of a library, to simulate a netlist with."""

from tflite_export.cost.netlist import Netlist


def verilog_cells(liberty, cells, delay=None):
    """Writes cells as Verilog modules, by the functions in the library.

    With them and the netlist that `tools.yosys.synthesize` writes, any
    simulator computes what the gates do. Flip-flops begin with 0.

    Args:
        liberty: `Liberty`.
        cells: Iterable of the names of cells, or a `Netlist`.
        delay: Integer, time units from an input of a gate to its output, or
            None for no delay. Defaults to `None`.

    Returns:
        String.

    Raises:
        ValueError: The library has no such cell, or it has neither a
            function nor a flip-flop alone.
    """
    if isinstance(cells, Netlist):
        cells = cells.counts
    found = [_module(liberty.cell(name), delay) for name in sorted(set(cells))]
    return "\n".join(found)


def _module(cell, delay):
    if cell.other_state:
        raise ValueError(
            "verilog_cells expects cells with a function or a flip-flop. "
            f"Received: {cell.name!r}"
        )
    pins = [*cell.inputs, *cell.outputs]
    lines = [f"module {cell.name} ({', '.join(pin.name for pin in pins)});"]
    lines += [f"  {pin.direction} {pin.name};" for pin in pins]
    flop = cell.flip_flop
    if flop is not None:
        lines += _register(flop)
        delay = None
    wait = "" if delay is None else f"#{delay} "
    lines += [
        f"  assign {wait}{pin.name} = {pin.function.verilog()};"
        for pin in cell.outputs
    ]
    return "\n".join([*lines, "endmodule", ""])


def _register(flop):
    lines = [f"  reg {flop.state} = 1'b0;"]
    if flop.inverse:
        lines.append(f"  wire {flop.inverse} = ~{flop.state};")
    clock = flop.clock.verilog()
    lines.append(f"  wire rising = {clock};")
    edges, forces = ["posedge rising"], []
    for name, force in (("clear", flop.clear), ("preset", flop.preset)):
        if force is not None:
            lines.append(f"  wire {name} = {force.verilog()};")
            edges.append(f"posedge {name}")
            forces.append((name, "1'b1" if name == "preset" else "1'b0"))
    lines.append(f"  always @({' or '.join(edges)})")
    head = "    "
    for name, value in forces:
        lines.append(f"{head}if ({name}) {flop.state} <= {value};")
        head = "    else "
    lines.append(f"{head}{flop.state} <= {flop.next_state.verilog()};")
    return lines
