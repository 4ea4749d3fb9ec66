"""The text of a module."""

import dataclasses

from tflite_export.verilog._expressions import (
    declared_range,
    number,
    table_function,
)

HEAD = "`default_nettype none"
TAIL = "`default_nettype wire"


@dataclasses.dataclass(frozen=True)
class Module:
    """One module as text, and what it consists of.

    Args:
        name: String.
        text: String, Verilog.
        latency: Integer, clocks from a sample to its result.
        input_bits: Integer, width of `in_data`.
        output_bits: Integer, width of `out_data`.
        tap_ports: Pair of integers, bits of the address and of the data of a
            tap that is written; None without such taps.
        counts: Dictionary: adders, adder bits, multipliers, register bits.
    """

    name: str
    text: str
    latency: int
    input_bits: int
    output_bits: int
    tap_ports: tuple | None
    counts: dict


def port_list(handshake, input_bits, output_bits, tap_ports):
    """The ports of a core as triples of direction, bits and name."""
    found = [("input", 1, "clk"), ("input", 1, "rst")]
    if handshake:
        found += [("input", 1, "en"), ("input", 1, "in_valid")]
    found += [("input", input_bits, "in_data"), *tap_inputs(tap_ports)]
    if handshake:
        found.append(("output", 1, "out_valid"))
    return [*found, ("output", output_bits, "out_data")]


def tap_inputs(tap_ports):
    """The ports by which taps are written, as those of `port_list`."""
    if not tap_ports:
        return []
    address, data = tap_ports
    return [
        ("input", 1, "tap_write"),
        ("input", address, "tap_address"),
        ("input", data, "tap_data"),
    ]


def declared_ports(ports):
    """Ports as the lines of a module's head."""
    return ",\n".join(
        f"  {side} wire{declared_range(bits)} {name}"
        for side, bits, name in ports
    )


def write_module(name, lanes, told, tap_ports=None):
    """Writes a module.

    Args:
        name: String.
        lanes: `Lanes`.
        told: List of strings, comments.
        tap_ports: Pair of integers or None, see `Module`.

    Returns:
        `Module`.
    """
    lanes.fill()
    if not lanes.taps:
        tap_ports = None
    handshake = lanes.options.handshake
    latency = lanes.last + 1
    ports = port_list(handshake, lanes.input_bits, lanes.output_bits, tap_ports)
    cleared = any(r.level is not None for r in lanes.registers.values())
    if not (handshake or tap_ports or cleared):
        lanes.names.declare("rst", 1)
    text = [
        HEAD,
        *(f"// {line}" for line in told),
        f"// Clocks from a sample to its result: {latency}.",
        f"module {name} (",
        declared_ports(ports),
        ");",
        *(_valid(latency) if handshake else []),
        *_declarations(lanes),
        *lanes.wires,
        "",
        *_tap_registers(lanes, tap_ports),
        *_clocked(lanes),
        *_unused(lanes),
        "endmodule",
        TAIL,
        "",
    ]
    return Module(
        name,
        "\n".join(text),
        latency,
        lanes.input_bits,
        lanes.output_bits,
        tap_ports,
        lanes.counts(),
    )


def _valid(latency):
    """A bit beside each stage: whether it holds a sample."""
    levels = range(1, latency + 1)
    return [
        "  wire valid0 = in_valid;",
        f"  reg {', '.join(f'valid{k}' for k in levels)};",
        "  always @(posedge clk)",
        "    if (rst) begin",
        *(f"      valid{k} <= 1'b0;" for k in levels),
        "    end else if (en) begin",
        *(f"      valid{k} <= valid{k - 1};" for k in levels),
        "    end",
        f"  assign out_valid = valid{latency};",
        "",
    ]


def _declarations(lanes):
    text = []
    for name in [*lanes.taps, *lanes.registers]:
        text.append(f"  reg{lanes.names.kind(name)} {name};")
    text.append(f"  reg{declared_range(lanes.output_bits)} result;")
    for key, name in lanes.names.tables.items():
        text += table_function(name, *key)
    return text


def _clocked(lanes):
    """All registers but those of taps."""
    registers, names = lanes.registers, lanes.names
    levels = {r.level for r in registers.values()} - {None}
    text = []
    for level in sorted(levels):
        chosen = [n for n, r in registers.items() if r.level == level]
        condition = ""
        if lanes.options.handshake:
            condition = f" if (en && valid{level})"
        text += ["  always @(posedge clk)", "    if (rst) begin"]
        text += [
            f"      {name} <= {number(0, names.widths[name])};"
            for name in chosen
        ]
        text.append(f"    end else{condition} begin")
        text += [
            f"      {name} <= {names.whole(registers[name].ahead)};"
            for name in chosen
        ]
        text += ["    end", ""]
    condition = " if (en)" if lanes.options.handshake else ""
    text.append(f"  always @(posedge clk){condition} begin")
    text += [
        f"    {name} <= {names.whole(register.ahead)};"
        for name, register in registers.items()
        if register.level is None
    ]
    joined = ",\n      ".join(lanes.results[::-1])
    text += [f"    result <= {{\n      {joined}}};", "  end"]
    return [*text, "  assign out_data = result;"]


def _tap_registers(lanes, tap_ports):
    """Registers that are written one by one, by their address."""
    if not lanes.taps:
        return []
    lanes.names.declare("tap_data", tap_ports[1])
    text = ["  always @(posedge clk)", "    if (rst) begin"]
    for name, signal in lanes.taps.items():
        reset = number(signal.data[1], signal.width)
        text.append(f"      {name} <= {reset};")
    text += ["    end else if (tap_write)", "      case (tap_address)"]
    for name, signal in lanes.taps.items():
        address = number(signal.data[0], tap_ports[0])
        value = lanes.names.bits("tap_data", signal.width - 1, 0)
        text.append(f"        {address}: {name} <= {value};")
    return [*text, "        default: ;", "      endcase", ""]


def _unused(lanes):
    """What nothing reads, so that a linter knows it is meant so."""
    found = lanes.names.unused()
    if not found:
        return []
    inner = ",\n    ".join(["1'b0", *found])
    return [f"  wire unused = &{{{inner}}};"]
