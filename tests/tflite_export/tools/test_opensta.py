"""Timing by OpenSTA."""

import gzip
import shutil

import pytest

from tflite_export.tools import opensta
from tflite_export.tools._process import MissingToolError

hardware = pytest.mark.hardware

# A buffer takes 1 ns, a register 0.5 ns and 0.25 ns ahead of the clock.
_TABLE = 'values ("{0}, {0}", "{0}, {0}");'
LIBRARY = """
library (tiny) {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  slew_upper_threshold_pct_rise : 80;
  slew_lower_threshold_pct_rise : 20;
  slew_upper_threshold_pct_fall : 80;
  slew_lower_threshold_pct_fall : 20;
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  nom_process : 1; nom_voltage : 1; nom_temperature : 25;
  lu_table_template (t) {
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("0, 1");
    index_2 ("0, 1");
  }
  lu_table_template (c) {
    variable_1 : related_pin_transition;
    variable_2 : constrained_pin_transition;
    index_1 ("0, 1");
    index_2 ("0, 1");
  }
  cell (BUF) {
    area : 1;
    pin (A) { direction : input; capacitance : 0; }
    pin (Y) {
      direction : output; function : "A";
      timing () { related_pin : "A"; timing_sense : positive_unate; ARC(1) }
    }
  }
  cell (DFF) {
    area : 1;
    ff (IQ, IQN) { clocked_on : "CLK"; next_state : "D"; }
    pin (CLK) { direction : input; capacitance : 0; clock : true; }
    pin (D) {
      direction : input; capacitance : 0;
      timing () {
        related_pin : "CLK"; timing_type : setup_rising;
        rise_constraint (c) { VALUES(0.25) }
        fall_constraint (c) { VALUES(0.25) }
      }
    }
    pin (Q) {
      direction : output; function : "IQ";
      timing () { related_pin : "CLK"; timing_type : rising_edge; ARC(0.5) }
    }
  }
}
"""
for _delay in ("1", "0.5"):
    _arc = f"cell_rise (t) {{ VALUES({_delay}) }} "
    _arc += f"cell_fall (t) {{ VALUES({_delay}) }} "
    _arc += (
        "rise_transition (t) { VALUES(0) } fall_transition (t) { VALUES(0) }"
    )
    LIBRARY = LIBRARY.replace(f"ARC({_delay})", _arc)
for _value in ("1", "0.5", "0.25", "0"):
    LIBRARY = LIBRARY.replace(f"VALUES({_value})", _TABLE.format(_value))

NETLIST = """
module top (clk, x, y);
  input clk, x;
  output y;
  wire a, b, c;
  DFF first (.CLK(clk), .D(x), .Q(a));
  BUF u1 (.A(a), .Y(b));
  BUF u2 (.A(b), .Y(c));
  DFF last (.CLK(clk), .D(c), .Q(y));
endmodule
"""
GATES = """
module top (x, y);
  input x;
  output y;
  wire a;
  BUF u1 (.A(x), .Y(a));
  BUF u2 (.A(a), .Y(y));
endmodule
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "tiny.lib").write_text(LIBRARY)
    (tmp_path / "top.v").write_text(NETLIST)
    (tmp_path / "gates.v").write_text(GATES)
    return tmp_path


@pytest.fixture
def need_sta():
    if shutil.which("sta") is None:
        pytest.skip("needs sta: apt-get install opensta")


@hardware
@pytest.mark.parametrize("period", [2.0, 5.0])
def test_the_slowest_path_by_hand(files, need_sta, period):
    found = opensta.sta(
        files / "top.v", "top", files / "tiny.lib", period=period
    )
    # 0.5 + 1 + 1 + 0.25 ns.
    assert found.critical_path == pytest.approx(2.75)
    assert found.slack == pytest.approx(period - 2.75)
    assert (found.start, found.end) == ("first", "last")
    assert "u2/Y" in found.path


@hardware
def test_a_module_without_a_clock_is_timed_from_end_to_end(files, need_sta):
    packed = files / "tiny.lib.gz"
    packed.write_bytes(gzip.compress(LIBRARY.encode()))
    found = opensta.sta(files / "gates.v", "top", packed)
    assert found.critical_path == pytest.approx(2.0)


@hardware
def test_what_it_says_is_told_though_it_exits_with_0(files, need_sta):
    with pytest.raises(RuntimeError, match="other is not a verilog module"):
        opensta.sta(files / "top.v", "other", files / "tiny.lib")


def test_a_missing_program_is_named(files, monkeypatch):
    monkeypatch.setenv("PATH", str(files))
    with pytest.raises(MissingToolError, match="apt-get install opensta"):
        opensta.sta(files / "top.v", "top", files / "tiny.lib")


def test_missing_files_and_wrong_numbers_are_refused(files):
    with pytest.raises(FileNotFoundError, match="expects a netlist"):
        opensta.sta(files / "none.v", "top", files / "tiny.lib")
    with pytest.raises(ValueError, match="expects `period`"):
        opensta.sta(files / "top.v", "top", files / "tiny.lib", period=0.0)
    with pytest.raises(ValueError, match="expects identifiers"):
        opensta.sta(files / "top.v", "top; exit", files / "tiny.lib")
