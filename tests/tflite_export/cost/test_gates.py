"""Gates compute the integers of the chain, here and in Icarus Verilog."""

import collections
import re

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import Stream, vectors
from tflite_export.cost import Netlist, simulate, verilog_cells
from tflite_export.cost.simulate import DELAYS
from tflite_export.tools import _process, yosys
from tflite_export.verilog import to_verilog

pytestmark = pytest.mark.hardware

KINDS = ("random", "full_scale", "alternating", "impulse")


@pytest.fixture(autouse=True)
def programs(need):
    need("yosys", "yosys")


@pytest.fixture
def make_gates(tmp_path):
    """Synthesizes a chain; returns the design, yosys' and our netlist."""

    def make(chain, liberty, **options):
        design = to_verilog(chain, "dut", handshake=False, **options)
        for name in design.sources:
            (tmp_path / name).write_text(design.files[name])
        sources = [tmp_path / name for name in design.sources]
        found = yosys.synthesize(
            sources, design.core, liberty, out_dir=tmp_path
        )
        return design, found, Netlist.from_json(found.json, design.core)

    return make


def check_gates(design, netlist, liberty, kinds=KINDS):
    chain, lanes = design.chain, design.lanes
    signal = np.concatenate(
        [vectors.draw(chain, kind, 64, seed=3) for kind in kinds], axis=1
    )
    tie = {name: 0 for name in netlist.inputs if name.startswith("tap_")}
    waves = simulate(
        netlist,
        liberty,
        {"in_data": signal.reshape(-1, lanes * chain.channels)},
        tie=tie,
    )
    form = chain.output_format
    found = waves.port("out_data", form.word_length, form.signed)
    expected = Stream(chain).process(signal).reshape(found.shape)
    late = design.latency
    np.testing.assert_array_equal(found[late:], expected[:-late])
    return waves


FILTERS = {
    "real": (dict(num_taps=3, complex=False, symmetric=False), {}),
    "real, two lanes": (dict(num_taps=5, bits=6, complex=False), {"lanes": 2}),
    "complex": (dict(num_taps=3, symmetric=False), {}),
    "pipelined, four lanes": (
        dict(num_taps=3),
        {"lanes": 4, "pipeline": "adders"},
    ),
    "wraps": (
        dict(
            num_taps=3,
            output=FixedPoint(5, 4, overflow="wrap", rounding="nearest_even"),
        ),
        {},
    ),
    "programmable": (dict(num_taps=3), {"taps": "programmable"}),
    "11 taps of 8 bits": (dict(num_taps=11, bits=8, signal_bits=8), {}),
}


@pytest.mark.parametrize("name", FILTERS)
def test_gates_of_a_filter_compute_its_integers(
    name, make_chain, make_fir, make_gates, osu018
):
    arguments, options = FILTERS[name]
    stage = make_fir(**arguments)
    chain = make_chain(stage, channels=1 + stage.complex)
    design, found, netlist = make_gates(chain, osu018, **options)
    check_gates(design, netlist, osu018)
    assert netlist.area(osu018) == pytest.approx(found.area)
    assert netlist.counts == found.cells


@pytest.mark.parametrize("method, taps", [("taylor2", 1), ("taylor3", 3)])
def test_gates_of_a_step_compute_its_integers(
    method, taps, make_chain, make_fir, make_kerr, make_gates, osu018
):
    chain = make_chain(make_fir(), make_kerr(method, taps))
    design, _, netlist = make_gates(chain, osu018)
    check_gates(design, netlist, osu018)


def test_gates_of_two_polarizations_compute_the_integers(
    make_chain, make_kerr, make_gates, osu018
):
    chain = make_chain(make_kerr("lut"), channels=4)
    design, _, netlist = make_gates(chain, osu018)
    check_gates(design, netlist, osu018)


def test_gates_of_sky130_compute_the_integers(
    make_chain, make_fir, make_gates, sky130
):
    design, found, netlist = make_gates(make_chain(make_fir(5)), sky130)
    check_gates(design, netlist, sky130)
    assert netlist.area(sky130) == pytest.approx(found.area)


def test_icarus_verilog_sees_the_same_changes(
    make_chain, make_fir, make_gates, osu018, tmp_path, need
):
    need("iverilog", "iverilog")
    chain = make_chain(make_fir())
    design, found, netlist = make_gates(chain, osu018, pipeline="adders")
    waves = check_gates(design, netlist, osu018, ["random"])
    signal = waves.port("in_data", signed=False)
    at = {name: net for net, name in enumerate(netlist.net_names)}
    for delay in DELAYS:
        counts, outputs = run_icarus(
            found, netlist, osu018, signal, delay, tmp_path
        )
        assert outputs == waves.port("out_data", signed=False).tolist()
        # In cycle 1 all has been quiet once.
        expected = waves.toggles(delay, start=1)
        seen = set(counts) & set(at) - {"clk"}
        assert len(seen) >= netlist.num_nets - 4
        assert sum(counts[name] for name in seen) > 1000
        assert {name: counts[name] for name in seen} == {
            name: expected[at[name]] for name in seen
        }


def run_icarus(found, netlist, liberty, signal, delay, folder):
    """Changes of each net from cycle 1 on, and the output of each cycle."""
    wide = [len(netlist.inputs["in_data"]), len(netlist.outputs["out_data"])]
    (folder / "in.hex").write_text("\n".join(f"{x:x}" for x in signal))
    (folder / "bench.v").write_text(f"""`timescale 1ns/1ns
module bench;
  reg clk = 0, rst = 0;
  reg [{wide[0] - 1}:0] in_data, memory [0:{len(signal) - 1}];
  wire [{wide[1] - 1}:0] out_data;
  integer i;
  {found.top} dut (.clk(clk), .rst(rst), .in_data(in_data),
    .out_data(out_data));
  initial begin
    $readmemh("in.hex", memory);
    $dumpfile("bench.vcd");
    $dumpvars(0, dut);
    in_data = memory[0];
    for (i = 1; i <= {len(signal)}; i = i + 1) begin
      #500 clk = 0;
      #500 $display("%d", out_data);
      if (i < {len(signal)}) begin
        // Ahead of the samples, which change with the registers.
        clk = 1;
        in_data <= memory[i];
      end
    end
    $finish;
  end
endmodule
""")
    cells = verilog_cells(liberty, netlist, {"zero": None, "unit": 1}[delay])
    (folder / "cells.v").write_text("`timescale 1ns/1ns\n" + cells)
    _process.run(
        [_process.find("iverilog", "iverilog"), "-o", "bench.vvp", "bench.v",
         "cells.v", found.verilog],
        cwd=folder,
    )  # fmt: skip
    told = _process.run(
        [_process.find("vvp", "iverilog"), "-n", "bench.vvp"], cwd=folder
    )
    lines = [line for line in told.splitlines() if line.strip().isdigit()]
    changes = read_changes((folder / "bench.vcd").read_text(), start=1000)
    return changes, [int(line) for line in lines]


def read_changes(text, start):
    """Changes of each bit from a time on, by its name in the module."""
    names, values, time = {}, {}, 0
    found, depth = collections.Counter(), 0
    for line in text.splitlines():
        words = line.split()
        if line.startswith("$scope"):
            depth += 1
        elif line.startswith("$upscope"):
            depth -= 1
        elif line.startswith("$var") and depth == 2:
            bits, key, name = int(words[2]), words[3], words[4]
            several = bits > 1
            names.setdefault(key, []).extend(
                (k, f"{name}[{k}]" if several else name) for k in range(bits)
            )
        elif line.startswith("#"):
            time = int(line[1:])
        elif re.match("[01xb]", line):
            value, key = words if line[0] == "b" else (line[0], line[1:])
            for place, name in names.get(key, []):
                bit = value.lstrip("b").rjust(64, "0")[-1 - place]
                if time >= start and values[name] != bit:
                    found[name] += 1
                values[name] = bit
    return collections.Counter({name: found[name] for name in values})
