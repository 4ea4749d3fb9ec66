"""One clock for several netlists."""

import pytest

from tflite_export.cost import common_clock, timing
from tflite_export.tools import yosys

pytestmark = pytest.mark.hardware


@pytest.fixture
def netlists(osu018, tmp_path, need):
    need("yosys", "yosys")
    need("sta", "opensta")
    found = []
    for bits in (4, 8):
        path = tmp_path / f"sum{bits}.v"
        path.write_text(f"""
module sum{bits} (input clk, input [{bits - 1}:0] x,
    output reg [{bits - 1}:0] y);
  reg [{bits - 1}:0] kept;
  always @(posedge clk) begin
    kept <= x;
    y <= y + kept;
  end
endmodule
""")
        found.append(
            yosys.synthesize([path], f"sum{bits}", osu018, out_dir=tmp_path)
        )
    return found


def test_the_slower_one_sets_the_clock(netlists, osu018):
    slow = timing(netlists[1], osu018).critical_path
    assert timing(netlists[0], osu018).critical_path < slow
    period, found = common_clock(netlists, osu018, step=0.1)
    assert slow <= period < slow + 0.1
    assert period == pytest.approx(round(period, 1))
    assert [each.period for each in found] == [period, period]
    assert 0 <= found[1].slack < found[0].slack
    # A step below, it is too late.
    assert timing(netlists[1], osu018, period=period - 0.1).slack < 0


def test_nothing_has_no_clock(osu018):
    with pytest.raises(ValueError, match="at least one netlist"):
        common_clock([], osu018)
