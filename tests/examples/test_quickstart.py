import json
import os
import pathlib
import subprocess
import sys

import pytest

from benchmarks import results

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*arguments, **variables):
    """Runs the quickstart on the embedded digits, away from the checkout."""
    given = {**os.environ, **variables}
    given.pop("KERAS_BP_DATA", None)
    return subprocess.run(
        [sys.executable, str(ROOT / "examples/quickstart.py"), *arguments],
        capture_output=True,
        text=True,
        env={**given, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_the_main_job_runs_end_to_end(tmp_path):
    out_dir = tmp_path / "out"
    done = run("--seed=1", f"--out_dir={out_dir}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = results.load(out_dir / "metrics.json")
    assert result.seeds == [1]
    assert result.seconds < 240
    verdicts = [row.verdict for row in result.rows]
    assert verdicts.count("pass") == 6 and "miss" not in verdicts
    exact = {
        row.metric: row.value
        for row in result.rows
        if row.metric.startswith("differing")
    }
    assert list(exact.values()) == [0, 0]
    page = (out_dir / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    for row in result.rows:
        assert row.metric in done.stdout
        assert row.metric.replace("'", "&#39;") in page
    names = {path.name for path in out_dir.iterdir()}
    assert {"classifier.keras", "quickstart.png", "equalizer"} <= names
    manifest = json.loads((out_dir / "equalizer/manifest.json").read_text())
    assert "filter_fast.tflite" in manifest["files"]
    # The noise of TensorFlow's start does not show.
    for noise in ("oneDNN", "cuInit", "retracing", "XNNPACK"):
        assert noise not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    done = run(f"--out_dir={tmp_path / 'file'}")
    assert done.returncode != 0
    assert "--out_dir names no folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_folder_without_data_is_named(tmp_path):
    done = run(f"--data_dir={tmp_path}", f"--out_dir={tmp_path / 'out'}")
    assert done.returncode != 0
    assert "mnist.npz" in done.stderr + done.stdout
    assert not (tmp_path / "out").exists()
