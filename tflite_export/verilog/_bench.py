"""Modules that drive a design in a simulator."""

import dataclasses

from tflite_export.verilog._expressions import declared_range, number


@dataclasses.dataclass(frozen=True)
class _Bench:
    """The parts in which test benches differ, as lines of Verilog."""

    name: str
    input_file: str
    count: int
    pausing: str = "1'b0"
    seed: int = 1
    period: int = 10
    writes: tuple = ()
    declare: tuple = ()
    begin: tuple = ()
    take: tuple = ()
    end: tuple = ()


def recording_bench(
    design, count, *, stalls, seed, writes=(), period=10, vcd=None
):
    """A module that prints every result, after a `>`.

    Its name is `recorder_name(design)`. At the end it prints a line with `!`
    for each time that a result went before it was taken.

    Args:
        design: `Design`.
        count: Positive integer, words of `input.hex`.
        stalls: Boolean, whether both sides pause at random.
        seed: Integer.
        writes: Sequence of pairs, the addresses and values of taps.
        period: Even positive integer, time units of a clock.
        vcd: Absolute path of a file for all value changes, or None.

    Returns:
        String, Verilog.
    """
    begin = ()
    if vcd:
        begin = (f'    $dumpfile("{vcd}");', "    $dumpvars(0, dut);")
    bench = _Bench(
        recorder_name(design),
        "input.hex",
        count,
        pausing="1'b1" if stalls else "1'b0",
        seed=seed,
        period=period,
        writes=tuple(writes),
        begin=begin,
        take=('      $display(">%h", out_data);',),
        end=('    repeat (lost) $display("!");',),
    )
    return _text(bench, design)


def recorder_name(design):
    """The name of `recording_bench`, which none of the design's modules has."""
    return f"{design.name}_recorder"


def checking_bench(design, count):
    """The test bench of a design, which compares with `NAME_output.hex`.

    The second half of the samples comes with pauses on both sides.

    Args:
        design: `Design`.
        count: Positive integer, words of `NAME_input.hex`.

    Returns:
        String, Verilog.
    """
    kind = declared_range(design.ports["out_data"][1])
    bench = _Bench(
        f"{design.name}_tb",
        f"{design.name}_input.hex",
        count,
        pausing=f"sent > {count // 2}",
        declare=(
            f"  reg{kind} expected [0:{count - 1}];",
            "  integer mismatches = 0;",
        ),
        begin=(f'    $readmemh("{design.name}_output.hex", expected);',),
        take=(
            f"      if (got >= {count} || out_data !== expected[got])",
            "        mismatches = mismatches + 1;",
        ),
        end=(
            "    mismatches = mismatches + lost;",
            f"    if (got < {count}) mismatches = mismatches + {count} - got;",
            '    if (mismatches == 0) $display("PASS: %0d words", got);',
            '    else $display("FAIL: %0d mismatches", mismatches);',
        ),
    )
    return _text(bench, design)


def _text(bench, design):
    kind = declared_range(design.ports["in_data"][1])
    joined = ", ".join(f".{port}({port})" for port in design.ports)
    drive = _drive if design.handshake else _drive_steadily
    lines = [
        f"// iverilog -g2001 -s {bench.name} -o run *.v && vvp run",
        f"module {bench.name};",
        *(
            f"  {'reg' if side == 'input' else 'wire'}"
            f"{declared_range(bits)} {port};"
            for port, (side, bits) in design.ports.items()
        ),
        f"  {design.top} dut ({joined});",
        "",
        f"  reg{kind} samples [0:{bench.count - 1}];",
        "  integer sent = 0, got = 0, idle = 0, lost = 0;",
        f"  integer seed = {bench.seed};",
        "  reg running = 1'b0;",
        *bench.declare,
        "",
        "  initial clk = 1'b0;",
        f"  always #{bench.period // 2} clk = ~clk;",
        "",
        *drive(bench, design),
        "",
        "  initial begin",
        f'    $readmemh("{bench.input_file}", samples);',
        *bench.begin,
        *_start(bench, design),
        f"    wait (idle > {design.latency + 40} || got > {bench.count});",
        *bench.end,
        "    $finish;",
        "  end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _start(bench, design):
    """Reset, long enough for the zeros at the input to reach the output."""
    ports = design.ports
    inputs = [name for name, (side, _) in ports.items() if side == "input"]
    text = [f"    {name} = 0;" for name in inputs if name not in ("clk", "rst")]
    text += ["    rst = 1'b1;"]
    text += [f"    repeat ({design.latency + 2}) @(negedge clk);"]
    text += ["    rst = 1'b0;"]
    for address, value in bench.writes:
        address = number(address, ports["tap_address"][1])
        value = number(value, ports["tap_data"][1])
        text += [
            "    tap_write = 1'b1;",
            f"    tap_address = {address};",
            f"    tap_data = {value};",
            "    @(negedge clk);",
            "    tap_write = 1'b0;",
        ]
    return [*text, "    running = 1'b1;"]


def _drive(bench, design):
    """Offers samples and takes results, with valid and ready."""
    kind = declared_range(design.ports["out_data"][1])
    return [
        f"  wire pausing = {bench.pausing};",
        "  reg accepted = 1'b0, waiting = 1'b0;",
        f"  reg{kind} held;",
        "  // What changes at the falling edge is taken at the rising one.",
        "  always @(posedge clk) if (running) begin",
        "    accepted = in_valid && in_ready;",
        "    idle = idle + 1;",
        "    if (accepted) begin",
        "      sent = sent + 1;",
        "      idle = 0;",
        "    end",
        "    // A result stays until it is taken.",
        "    if (waiting && !(out_valid && out_data === held))",
        "      lost = lost + 1;",
        "    waiting = out_valid && !out_ready;",
        "    held = out_data;",
        "    if (out_valid && out_ready) begin",
        *bench.take,
        "      got = got + 1;",
        "      idle = 0;",
        "    end",
        "  end",
        "  always @(negedge clk) if (running) begin",
        "    // And so does a sample.",
        "    if (!in_valid || accepted)",
        f"      in_valid = sent < {bench.count}",
        "        && !(pausing && ($random(seed) & 1));",
        "    if (in_valid) in_data = samples[sent];",
        "    out_ready = !(pausing && ($random(seed) & 1));",
        "  end",
    ]


def _drive_steadily(bench, design):
    """Gives a sample and takes a result in every clock."""
    return [
        "  always @(posedge clk) if (running) begin",
        f"    if (sent > {design.latency} && got < {bench.count}) begin",
        *bench.take,
        "      got = got + 1;",
        "    end",
        f"    if (got == {bench.count}) idle = idle + 1;",
        "  end",
        "  always @(negedge clk) if (running) begin",
        f"    in_data = sent < {bench.count} ? samples[sent] : 0;",
        "    sent = sent + 1;",
        "  end",
    ]
