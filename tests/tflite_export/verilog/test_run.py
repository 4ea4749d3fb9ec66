import dataclasses

import numpy as np
import pytest

from tflite_export import ChainSpec, Stream, vectors
from tflite_export.verilog import run, to_verilog


@pytest.fixture
def chain(make_fir):
    return ChainSpec([make_fir()], 2)


def changed(design, name, old, new):
    """The design with another text in one of its files."""
    text = design.files[name]
    assert old in text
    files = {**design.files, name: text.replace(old, new)}
    return dataclasses.replace(design, files=files)


@pytest.mark.hardware
@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_pauses_neither_lose_nor_repeat_a_sample(lanes, seed, chain):
    design = to_verilog(chain, "dut", lanes=lanes, pipeline="adders")
    signal = vectors.draw(chain, time=101, seed=seed)
    found = run(design, signal, stalls=True, seed=seed)
    # A last word that is not full is filled up, and cut off again.
    assert found.shape == (1, 101, 2)
    np.testing.assert_array_equal(found, Stream(chain).process(signal))


@pytest.mark.hardware
@pytest.mark.parametrize("handshake", [True, False])
def test_another_netlist_takes_the_place_of_the_core(
    handshake, chain, tmp_path
):
    design = to_verilog(chain, "dut", pipeline=2, handshake=handshake)
    signal = vectors.draw(chain, time=50)
    path = tmp_path / "gates.v"
    path.write_text(design.files["dut_core.v"])
    found = run(design, signal, sources=[path])
    np.testing.assert_array_equal(found, Stream(chain).process(signal))
    path.write_text(path.read_text().replace(" - ", " + ", 1))
    assert np.any(run(design, signal, sources=[path]) != found)


@pytest.mark.hardware
def test_value_changes_are_written(chain, tmp_path):
    design = to_verilog(chain, "dut")
    path = tmp_path / "changes.vcd"
    run(design, vectors.draw(chain, time=5), vcd=path, period=100)
    text = path.read_text()
    assert "$var" in text and "\n#100\n" in text


@pytest.mark.hardware
def test_a_relative_path_is_one_of_the_folder_it_runs_in(
    chain, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run(to_verilog(chain), vectors.draw(chain, time=3), vcd="changes.vcd")
    assert "$var" in (tmp_path / "changes.vcd").read_text()


@pytest.mark.hardware
def test_a_list_is_a_signal_too(chain):
    signal = vectors.draw(chain, time=3)
    found = run(to_verilog(chain), signal.tolist())
    np.testing.assert_array_equal(found, Stream(chain).process(signal))


@pytest.mark.hardware
@pytest.mark.parametrize("name", ["bench", "bench_recorder"])
def test_no_name_of_a_design_is_that_of_what_runs_it(name, chain):
    signal = vectors.draw(chain, time=3)
    found = run(to_verilog(chain, name), signal)
    np.testing.assert_array_equal(found, Stream(chain).process(signal))


@pytest.mark.hardware
@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        # It moves on though nobody takes its results.
        ("dut.v", "out_ready | ~out_valid", "1'b1", "result for each"),
        # It gives a result in every clock.
        ("dut_core.v", "= valid1;", "= 1'b1;", "result for each"),
        ("dut_core.v", "out_data = result", "out_data = 20'bx", "are known"),
        # It gives something else until it is asked.
        (
            "dut.v",
            ".out_data(out_data));",
            ".out_data(given));\n  wire [19:0] given;\n"
            "  assign out_data = out_ready ? given : ~given;",
            "of which [1-9][0-9]* were taken back",
        ),
        ("dut_core.v", "endmodule", "", "to succeed"),
    ],
)
def test_what_a_broken_design_does_is_told(file, old, new, words, chain):
    design = changed(to_verilog(chain, "dut"), file, old, new)
    with pytest.raises(RuntimeError, match=words):
        run(design, vectors.draw(chain, time=40), stalls=True)


@pytest.mark.parametrize("shape", [(1, 5, 4), (2, 5, 2), (5, 2)])
def test_a_signal_of_another_shape_is_refused(shape, chain):
    with pytest.raises(ValueError, match=r"\(1, None, 2\)"):
        run(to_verilog(chain), np.zeros(shape, int))


def test_a_signal_out_of_range_is_refused(chain):
    with pytest.raises(ValueError, match="from -512 to 511"):
        run(to_verilog(chain), np.full((1, 5, 2), 512))


def test_a_signal_of_floats_is_refused(chain):
    with pytest.raises(TypeError, match="hold integers"):
        run(to_verilog(chain), np.zeros((1, 5, 2)))
