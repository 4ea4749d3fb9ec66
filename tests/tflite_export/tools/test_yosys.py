"""Synthesis by yosys."""

import gzip
import json
import shutil

import pytest

from tflite_export.cost import default_liberty
from tflite_export.tools import yosys
from tflite_export.tools._process import MissingToolError

hardware = pytest.mark.hardware

INNER = """
module inner (input a, input b, output y);
  assign y = a & b;
endmodule
"""
OUTER = """
module outer (input clk, input [1:0] a, output reg q);
  wire y;
  inner inner (.a(a[0]), .b(a[1]), .y(y));
  always @(posedge clk) q <= y;
endmodule
"""
# Two bits of one wire are other wires.
ALIASES = """
module aliases (input clk, input [2:0] x, output reg [2:0] y);
  reg [2:0] a;
  wire carry = a[0] & a[1];
  wire [2:0] sum = {carry, a[0] ^ a[2], a[0]};
  always @(posedge clk) begin
    a <= x;
    y <= sum;
  end
endmodule
"""
MULTIPLIER = """
module times (input clk, input signed [11:0] a, input signed [11:0] b,
    output reg signed [23:0] y, output reg signed [15:0] z);
  always @(posedge clk) begin
    y <= a * b;
    z <= z + a;
  end
endmodule
"""


@pytest.fixture
def need_yosys():
    if shutil.which("yosys") is None:
        pytest.skip("needs yosys: apt-get install yosys")


@pytest.fixture
def library():
    try:
        return default_liberty().path
    except FileNotFoundError:
        pytest.skip("needs the cells of qflow-tech-osu018: make hardware")


@pytest.fixture
def write(tmp_path):
    def make(**texts):
        paths = []
        for name, text in texts.items():
            paths.append(tmp_path / f"{name}.v")
            paths[-1].write_text(text)
        return paths

    return make


@hardware
@pytest.mark.parametrize("packed", [False, True])
def test_cells_and_area_of_a_netlist(
    write, tmp_path, need_yosys, library, packed
):
    if packed:
        path = tmp_path / "cells.lib.gz"
        path.write_bytes(gzip.compress(library.read_bytes()))
        library = path
    sources = write(inner=INNER, outer=OUTER)
    out = tmp_path / "new" / "folder"
    found = yosys.synthesize(sources, "outer", library, out_dir=out)
    assert found.cells == {"AND2X2": 1, "DFFPOSX1": 1}
    assert found.area == 32.0 + 96.0
    # Both files name the cells and nets alike.
    names = json.loads(found.json.read_text())["modules"]["outer"]
    text = found.verilog.read_text()
    for name in [*names["cells"], *names["netnames"]]:
        assert name in text


@hardware
def test_opensta_can_read_the_netlist(write, tmp_path, need_yosys, library):
    found = yosys.synthesize(
        write(aliases=ALIASES), "aliases", library, out_dir=tmp_path
    )
    text = found.verilog.read_text()
    assert "assign sum[0]" in text and "assign {" not in text


@hardware
def test_modules_may_be_kept(write, tmp_path, need_yosys, library):
    sources = write(inner=INNER, outer=OUTER)
    found = yosys.synthesize(
        sources, "outer", library, out_dir=tmp_path, flatten=False
    )
    assert found.cells["inner"] == 1


@hardware
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_a_multiplier_of_an_fpga(write, need_yosys, family):
    found = yosys.fpga(write(times=MULTIPLIER), "times", family)
    assert found.family == family and found.dsps == 1
    # The sum, and maybe the output of the multiplier, outside of it.
    assert found.carries >= {"ecp5": 8, "ice40": 14}[family]
    assert found.registers >= 16 and sum(found.cells.values()) >= 25


@hardware
def test_what_yosys_says_is_told(write, tmp_path, need_yosys, library):
    sources = write(outer=OUTER)
    with pytest.raises(RuntimeError, match="inner.* is not part of the design"):
        yosys.synthesize(sources, "outer", library, out_dir=tmp_path)


def test_a_missing_program_is_named(write, tmp_path, monkeypatch):
    library = tmp_path / "empty.lib"
    library.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    sources = write(inner=INNER)
    with pytest.raises(MissingToolError, match="apt-get install yosys"):
        yosys.fpga(sources, "inner")
    with pytest.raises(MissingToolError, match="apt-get install yosys"):
        yosys.synthesize(sources, "inner", library, out_dir=tmp_path)


def test_missing_files_and_wrong_names_are_refused(write, tmp_path):
    with pytest.raises(FileNotFoundError, match="expects Verilog files"):
        yosys.fpga([tmp_path / "none.v"], "none")
    sources = write(inner=INNER)
    with pytest.raises(ValueError, match="`top` to be an identifier"):
        yosys.fpga(sources, "a; shell ls")
    with pytest.raises(ValueError, match="expects `family`"):
        yosys.fpga(sources, "inner", "fpga9000")
    with pytest.raises(FileNotFoundError):
        yosys.synthesize(
            sources, "inner", tmp_path / "none.lib", out_dir=tmp_path
        )
