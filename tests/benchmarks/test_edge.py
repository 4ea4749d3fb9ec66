import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import edge_cases, edge_kernels, edge_rivals, results
from tflite_export import Stream, litert

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "benchmarks").glob("edge*.py"))


@pytest.fixture
def gcc():
    if shutil.which("gcc") is None:
        pytest.skip("needs apt-get install gcc")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_converter_and_no_interpreter_is_named(path):
    # Each has its module in tflite_export.litert.
    found = re.findall(
        r"tf\.lite|import tensorflow|Interp\w+", path.read_text()
    )
    assert not found, f"{path.name} names {found}: use tflite_export.litert"


@pytest.mark.parametrize("num_taps", edge_cases.LENGTHS)
def test_the_filter_is_symmetric_and_fills_its_formats(num_taps):
    chain = edge_cases.filter_chain(num_taps)
    (stage,) = chain.stages
    np.testing.assert_array_equal(stage.taps, stage.taps[::-1])
    signal = edge_cases.signal_of(chain)
    form = chain.input_format
    assert signal.min() < 0.99 * form.minimum_integer
    assert signal.max() > 0.99 * form.maximum_integer
    # What the C of at most 15 bits is timed for: sums of 32 bits.
    assert form.word_length == 15 and stage.accumulator_bound < 2**31


def test_every_model_of_litert_is_a_rival_and_runs():
    chain = edge_cases.filter_chain(9)
    signal = edge_cases.signal_of(chain)[:, :64]
    found = edge_rivals.filters(chain, signal)
    names = [f"integer LiteRT, {profile}" for profile in litert.PROFILES]
    assert {"float LiteRT", *names} <= set(found)
    assert edge_rivals.INT8 in names
    for call in found.values():
        call()
    sizes = edge_rivals.model_sizes(chain, 64)
    assert set(sizes) == {"float LiteRT", *names}
    assert all(1000 < size < 20_000 for size in sizes.values())


def test_scipy_filters_what_the_chain_filters():
    pytest.importorskip("scipy")
    # Small taps: nothing saturates, and nothing is rounded much.
    chain = edge_cases.filter_chain(9)
    signal = edge_cases.signal_of(chain)[:, :64] >> 5
    found = edge_rivals.filters(chain, signal)
    expected = Stream(chain).process(signal)[0]
    for name in ("lfilter", "upfirdn"):
        y = found[f"scipy.signal.{name}, complex64"]()[:64]
        y = np.stack([y.real, y.imag], axis=-1)
        assert np.abs(y - expected).max() < 0.51, name


def test_int8_is_told_with_its_ratio():
    chain = edge_cases.filter_chain(9)
    each = {edge_rivals.INT8: [20.0, 40.0, 25.0]}
    speed, ratio = edge_cases._int8(9, chain, each)
    assert (speed.value, speed.low, speed.high) == (40.0, 25.0, 50.0)
    assert speed.unit == "million" and ratio.unit == "dB"
    # Uniform samples of 8 bits have 48.2 dB; two roundings leave 3 less.
    assert 44 < ratio.value < 46 and "48." in ratio.against
    assert edge_cases._int8(9, chain, {}) == []


def test_the_recorded_run_holds_every_length_and_part():
    recorded = results.load(ROOT / "docs/results/edge.json")
    found = {(row.name, row.metric) for row in recorded.rows}
    for num_taps in edge_cases.LENGTHS:
        name = f"{num_taps} complex symmetric taps"
        timed = f"{name}, C by gcc -O3 -march=native"
        assert (timed, "samples a second") in found
        assert (timed, "time a sample, against float LiteRT") in found
        assert (f"{name}, C", "time a sample, gcc -O3") in found
        assert (name, "state") in found


@pytest.mark.hardware
def test_a_kernel_of_other_integers_is_not_timed(gcc):
    chain, other = edge_cases.filter_chain(3), edge_cases.filter_chain(3, 5)
    signal = edge_cases.signal_of(chain)
    ours = edge_kernels.exported(chain, signal, ("-O3",))
    edge_cases._check_equal(chain, signal, {"ours": ours})
    with pytest.raises(RuntimeError, match="ours computes other integers"):
        edge_cases._check_equal(other, signal, {"ours": ours})


@pytest.mark.slow
@pytest.mark.hardware
def test_the_benchmark_runs_and_writes_its_result(gcc, tmp_path):
    if not edge_kernels._lengths():
        pytest.skip("needs a processor with AVX2")
    path = tmp_path / "edge.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.edge", "--rounds=1"]
        + ["--only=speed", f"--out={path}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {(row.name, row.metric): row for row in results.load(path).rows}
    for num_taps in edge_cases.LENGTHS:
        name = f"{num_taps} complex symmetric taps"
        assert rows[name, f"samples a second, {edge_rivals.INT8}"].value > 0
        timed = f"{name}, C by gcc -O3 -march=native"
        for profile in litert.PROFILES:
            metric = f"time a sample, against integer LiteRT, {profile}"
            assert rows[timed, metric].against_value > 0
