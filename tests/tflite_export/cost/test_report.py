"""All figures of a chain at once."""

import numpy as np
import pytest

from tflite_export import Stream, vectors
from tflite_export.cost import operations, report, split_steps
from tflite_export.cost import report as report_function

pytestmark = pytest.mark.hardware


@pytest.fixture(autouse=True)
def programs(need):
    need("yosys", "yosys")
    need("sta", "opensta")


def test_a_chain_is_cut_ahead_of_each_filter(make_chain, make_fir, make_kerr):
    chain = make_chain(make_kerr(), make_fir(), make_kerr(), make_fir())
    steps = split_steps(chain)
    assert [len(step.stages) for step in steps] == [1, 2, 1]
    signal = vectors.draw(chain, time=20)
    expected = chain.run(signal)
    for step in steps:
        signal = step.run(signal)
    np.testing.assert_array_equal(signal, expected)


def test_a_report_holds_every_figure(make_chain, make_fir, osu018, tmp_path):
    chain = make_chain(make_fir(3), make_fir(5))
    signal = vectors.draw(chain, time=301)[0]
    found = report(chain, osu018, signal=signal, lanes=2, out_dir=tmp_path)
    assert found.library == "osu018_stdcells" and len(found.steps) == 2
    assert found.operations == operations(chain)
    total, (first, second) = found.total, found.steps
    assert total["area"] == first.area + second.area > 10000
    assert total["registers"] == first.registers + second.registers
    assert total["critical_path"] == max(
        first.critical_path, second.critical_path
    )
    assert 0 <= found.period - total["critical_path"] < 0.011
    assert total["energy_unit"] > 1.5 * total["energy_zero"] > 0
    for delay in ("zero", "unit"):
        parts = [
            total[f"energy_{delay}_{part}"]
            for part in ("logic", "registers", "inputs", "clock")
        ]
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(total[f"energy_{delay}"])
    assert total["luts"] > 50 and total["fpga_registers"] > 20
    assert (tmp_path / "step1_core.netlist.v").is_file()
    # The second one got what the first one gives.
    steps = split_steps(chain)
    between = Stream(steps[0]).process(signal[None, :300])[0]
    alone = report(steps[1], osu018, signal=between, lanes=2, fpga=None)
    assert alone.steps[0].energies == second.energies
    # Half as fast, twice the leakage.
    later = found.at(2 * found.period).total
    assert later["leakage"] == pytest.approx(2 * total["leakage"])
    with pytest.raises(ValueError, match="at least"):
        found.at(0.5 * found.period)


def test_gates_that_differ_are_not_measured(
    make_chain, make_fir, osu018, monkeypatch
):
    chain, other = make_chain(make_fir(3)), make_chain(make_fir(5))
    module = report_function.__globals__
    real = module["to_verilog"]
    monkeypatch.setitem(
        module, "to_verilog", lambda chain, *a, **k: real(other, *a, **k)
    )
    signal = vectors.draw(chain, time=300)[0]
    with pytest.raises(RuntimeError, match="expects gates that compute"):
        report(chain, osu018, signal=signal, fpga=None)


@pytest.mark.parametrize(
    "signal, error, match",
    [
        (np.zeros((300, 3), int), ValueError, r"shape \(time, 2\)"),
        (np.zeros((50, 2), int), ValueError, "at least 132 samples"),
        (np.zeros((300, 2)), TypeError, "hold integers"),
    ],
)
def test_wrong_signals_are_refused(
    make_chain, make_fir, osu018, signal, error, match
):
    with pytest.raises(error, match=match):
        report(make_chain(make_fir()), osu018, signal=signal)


def test_no_lane_is_refused(make_chain, make_fir, small):
    chain = make_chain(make_fir(3))
    with pytest.raises(ValueError, match="`lanes` to be 1 or greater"):
        report(chain, small, signal=np.zeros((200, 2), int), lanes=0)
