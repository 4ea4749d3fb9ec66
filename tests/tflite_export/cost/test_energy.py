"""Energies that can be computed by hand."""

import re

import numpy as np
import pytest

from tflite_export.cost import Netlist, energy
from tflite_export.cost.netlist import Instance
from tflite_export.tools import _process, yosys

# x -> INV -> NAND2 (with x) -> DFF -> q.
CLK, X, A, Y, Q = range(2, 7)


@pytest.fixture
def netlist():
    return Netlist(
        "t",
        {"clk": [CLK], "x": [X]},
        {"q": [Q]},
        (
            Instance("u0", "INV", {"A": X, "Y": A}),
            Instance("u1", "NAND2", {"A": A, "B": X, "Y": Y}),
            Instance("u2", "DFF", {"CLK": CLK, "D": Y, "R": 0, "Q": Q}),
        ),
        ("0", "1", "clk", "x", "a", "y", "q"),
    )


def toggles(**counts):
    found = np.zeros(7, "int64")
    for name, count in counts.items():
        found[globals()[name]] = count
    return found


def test_switching_is_half_c_v_squared(netlist, small):
    found = energy(netlist, small, toggles(X=4, A=6, Y=10, Q=3), 2)
    # Pins in pF, wires of 3 fF for one pin and 6 fF for two; V^2 / 2 = 2.
    expected = {
        "inputs": 2 * (0.01 + 0.02 + 0.006) * 4,
        "logic": 2 * (0.02 + 0.003) * 6 + 2 * (0.01 + 0.003) * 10,
        # Its output leads nowhere.
        "registers": 0.0,
        # Up and down in each of two cycles.
        "clock": 2 * (0.03 + 0.003) * 4,
    }
    for part, each in expected.items():
        assert found.switching[part] == pytest.approx(each / 2)
    assert found.toggles == 23 / 2


def test_internal_energy_follows_the_tables(netlist, small):
    found = energy(
        netlist, small, toggles(A=6, Q=3), 2, transition=0.5,
        wire_capacitance=0.0,
    )  # fmt: skip
    # At 0.5 ns and 20 fF the rise takes 60 fJ, the fall nothing.
    assert found.internal["logic"] == pytest.approx(0.5 * 0.06 * 6 / 2)
    # 150 fJ and 0, twice a cycle.
    assert found.internal["clock"] == pytest.approx(0.5 * 0.15 * 4 / 2)
    assert found.internal["registers"] == found.internal["inputs"] == 0.0
    assert found.total == pytest.approx(
        sum(found.switching.values()) + sum(found.internal.values())
    )


def test_a_wire_has_the_capacitance_that_is_given(netlist, small):
    with_wires = energy(
        netlist, small, toggles(X=1), 1, wire_capacitance=0.5
    ).switching
    # Two pins.
    assert with_wires["inputs"] == pytest.approx(2 * (0.03 + 1.0))


def test_every_pin_on_a_net_counts(small):
    inverters = tuple(
        Instance(f"u{k}", "INV", {"A": 2, "Y": 3 + k}) for k in range(2)
    )
    netlist = Netlist("t", {"x": [2]}, {}, inverters, tuple("01xab"))
    found = energy(netlist, small, np.array([0, 0, 1, 0, 0]), 1)
    assert found.switching["inputs"] == pytest.approx(2 * (0.02 + 0.006))


def test_lanes_share_a_cycle(netlist, small):
    once = energy(netlist, small, toggles(X=4, Y=5), 2)
    twice = energy(netlist, small, toggles(X=4, Y=5), 2, lanes=2)
    assert twice.total == pytest.approx(once.total / 2)
    assert twice.toggles == once.toggles / 2


def test_leakage_is_told_apart(netlist, small):
    found = energy(netlist, small, toggles(), 1)
    # 0.25, 1.5 and 4 uW, for 10 ns.
    assert found.leakage_power == pytest.approx(5750.0)
    assert found.leakage(10.0) == pytest.approx(0.0575)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"toggles": np.zeros(3)}, "expects `toggles` of 7 nets"),
        ({"cycles": 0}, "expects `cycles`"),
        ({"lanes": 0}, "expects `lanes`"),
        ({"transition": 0.0}, "expects `transition`"),
    ],
)
def test_wrong_numbers_are_refused(netlist, small, options, match):
    with pytest.raises(ValueError, match=match):
        energy(netlist, small, **{"toggles": toggles(), "cycles": 1, **options})


@pytest.mark.hardware
def test_opensta_finds_the_same_switching_energy(osu018, tmp_path, need):
    need("yosys", "yosys")
    need("sta", "opensta")
    (tmp_path / "t.v").write_text("""
module t (input clk, input [7:0] x, output reg [7:0] y);
  reg [7:0] kept;
  always @(posedge clk) begin
    kept <= x;
    y <= x + 5 * kept;
  end
endmodule
""")
    found = yosys.synthesize([tmp_path / "t.v"], "t", osu018, out_dir=tmp_path)
    netlist = Netlist.from_json(found.json)
    # Every net changes once in 10 ns.
    ours = energy(netlist, osu018, np.ones(netlist.num_nets), 1).switching
    (tmp_path / "t.tcl").write_text(f"""
read_liberty "{osu018.path}"
read_verilog "{found.verilog}"
link_design t
create_clock -name clk -period 10 [get_ports clk]
set_power_activity -global -activity 1.0 -duty 0.5
report_power -digits 6
""")
    told = _process.run(
        [_process.find("sta", "opensta"), "-exit", tmp_path / "t.tcl"]
    )
    for part, row in (("logic", "Combinational"), ("registers", "Sequential")):
        theirs = float(re.search(rf"^{row}\s+\S+\s+(\S+)", told, re.M)[1])
        # In W; it takes apart the capacitances of rise and fall.
        assert ours[part] == pytest.approx(theirs * 1e4, rel=0.01)
