"""Liberty files: what is taken of them."""

import gzip

import numpy as np
import pytest

from tflite_export.cost import Liberty


def test_cells_and_units_are_read(small):
    assert small.name == "small" and small.voltage == 2.0
    assert small.cell_names == [
        "INV", "NAND2", "XOR2", "MUX2", "ONE", "DFF", "LATCH",
    ]  # fmt: skip
    inverter, nand = small.cell("INV"), small.cell("NAND2")
    assert inverter.area == 1.5
    # 0.25 uW, and the mean of 1 and 2 uW.
    assert inverter.leakage == pytest.approx(250.0)
    assert nand.leakage == pytest.approx(1500.0)
    # In 10 fF.
    assert inverter.pins["A"].capacitance == pytest.approx(0.01)
    assert [pin.name for pin in nand.inputs] == ["A", "B"]
    assert [pin.function.text for pin in nand.outputs] == ["!(A B)"]
    flop = small.cell("DFF").flip_flop
    assert (flop.state, flop.inverse) == ("IQ", "IQN")
    assert flop.next_state.text == "D" and flop.clear.text == "R"
    assert flop.preset is None
    assert small.cell("LATCH").other_state


@pytest.mark.parametrize(
    "transition, load, energy",
    [
        # The mean of rise and fall, in 10 fJ: half of 1 .. 7.
        (0.0, 0.0, 0.5),
        (1.0, 0.0, 1.5),
        (0.0, 0.02, 2.5),
        (0.5, 0.01, 2.0),
        # Beyond the end, along the line.
        (1.0, 0.04, 5.5),
    ],
)
def test_energies_are_interpolated(small, transition, load, energy):
    found = small.cell("INV").pins["Y"].energy(transition, np.array([load]))
    np.testing.assert_allclose(found, [energy * 0.01])


def test_a_table_of_one_variable_and_its_own_index(small):
    # Rise 10 + 10 t over the index 0 and 2, fall 0.
    found = small.cell("DFF").pins["CLK"].energy(0.5, np.zeros(3))
    np.testing.assert_allclose(found, [0.075] * 3)


def test_wires_follow_the_default_wire_load(small):
    # 1 fF a unit of length; between the entries and past the last one.
    found = small.wire_capacitance(np.array([0, 1, 2, 3, 5]))
    np.testing.assert_allclose(found, [0, 0.003, 0.006, 0.009, 0.013])


def test_packed_is_read_and_written_alike(small_text, tmp_path):
    path = tmp_path / "small.lib.gz"
    path.write_bytes(gzip.compress(small_text.encode()))
    packed = Liberty(path)
    assert packed.cell("INV").area == 1.5
    packed.write(tmp_path / "plain.lib")
    plain = Liberty(tmp_path / "plain.lib")
    assert plain.cell_names == packed.cell_names
    assert plain.voltage == 2.0
    for name in plain.cell_names:
        assert plain.cell(name).area == packed.cell(name).area


def test_cells_may_be_left_out(small_text, tmp_path):
    path = tmp_path / "small.lib"
    path.write_text(small_text)
    few = Liberty(path, dont_use="XO|LATCH")
    assert few.cell_names == ["INV", "NAND2", "MUX2", "ONE", "DFF"]
    few.write(tmp_path / "few.lib")
    assert Liberty(tmp_path / "few.lib").cell_names == few.cell_names
    with pytest.raises(ValueError, match="'XOR2'"):
        few.cell("XOR2")


@pytest.mark.parametrize(
    "text", ["", "library (x) { }", "library (x) { cell (y) { area : 1;"]
)
def test_another_file_is_refused(text, tmp_path):
    (tmp_path / "x.lib").write_text(text)
    with pytest.raises(ValueError, match="expects a liberty file"):
        Liberty(tmp_path / "x.lib")


def test_a_packed_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.lib.gz").write_text("library")
    with pytest.raises(ValueError, match="expects a liberty file"):
        Liberty(tmp_path / "x.lib.gz")


def test_an_unknown_cell_is_named(small):
    with pytest.raises(ValueError, match="expects a cell of small.*'AND9'"):
        small.cell("AND9")


def test_sky130_is_read(sky130):
    assert len(sky130.cell_names) == 372 and sky130.voltage == 1.8
    assert not any("lpflow" in name for name in sky130.cell_names)
    cells = [sky130.cell(name) for name in sky130.cell_names]
    assert sum(cell.flip_flop is not None for cell in cells) > 30
    nand = sky130.cell("sky130_fd_sc_hd__nand2_1")
    assert nand.area == pytest.approx(3.7536)
    assert nand.pins["A"].capacitance == pytest.approx(2.315e-3)
    assert nand.outputs[0].function.text == "(!A) | (!B)"
    # Its tables add to the rise, and take from the fall, half of C V^2.
    load = np.array([0.005, 0.1])
    difference = np.diff(nand.outputs[0].energy(0.1, load))
    assert abs(difference[0]) < 0.02 * 0.5 * 0.095 * 1.8**2


@pytest.mark.hardware
def test_osu018_is_read(osu018):
    assert len(osu018.cell_names) == 32 and osu018.voltage == 1.8
    flop = osu018.cell("DFFPOSX1")
    assert flop.area == 96 and flop.flip_flop.next_state.text == "D"
    assert osu018.cell("OAI21X1").outputs[0].function.table() == (
        ("A", "B", "C"),
        0b00011111,
    )
