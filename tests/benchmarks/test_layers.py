import pathlib
import subprocess
import sys

import pytest

from benchmarks import layers_cases, results
from keras_bp import layers

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_public_layer_is_timed():
    # The quantizer is timed inside of the filter.
    timed = {case.name.split()[0] for case in layers_cases.cases()}
    assert timed == set(layers.__all__) - {"FixedPointQuantizer"}


def test_every_layer_is_timed_alone_and_in_a_train_step():
    for name in {case.name for case in layers_cases.cases()}:
        where = " ".join(
            case.where for case in layers_cases.cases() if case.name == name
        )
        assert "alone" in where
        assert "train step" in where or name == "QuantizedFIR real"


def test_the_recorded_run_holds_every_case():
    recorded = results.load(ROOT / "docs/results/layers.json")
    expected = {
        (case.name, f"{case.where}, {mode}")
        for case in layers_cases.cases()
        for mode in ("graph", "XLA")
    }
    assert {(row.name, row.metric) for row in recorded.rows} == expected


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_its_result(tmp_path):
    path = tmp_path / "layers.json"
    arguments = ["--rounds=3", "--only=equalizer", f"--out={path}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.layers", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = results.load(path).rows
    assert [row.metric for row in rows] == [
        "equalizer train step, graph",
        "equalizer train step, XLA",
    ]
    assert all(0.1 < row.value < 10 for row in rows)
