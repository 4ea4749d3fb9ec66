import functools
import runpy
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from absl import flags

from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint
from tflite_export import load_manifest


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    layer = QuantizedFIR(
        1,
        9,
        FixedPoint(6, 5),
        FixedPoint(10, 7),
        padding="causal",
        tap_initializer=keras.initializers.RandomUniform(-1, 1, seed=1),
    )
    path = tmp_path_factory.mktemp("model") / "fir.keras"
    model = keras.Sequential([keras.Input((32, 2)), layer])
    model(np.zeros((1, 32, 2)))
    model.save(path)
    return path


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tflite_export", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_saved_model_is_exported_and_checked(model, tmp_path):
    out = tmp_path / "out"
    done = command(
        model,
        f"--out={out}",
        "--target=litert,c,verilog,vectors,report",
        "--option=verilog.lanes=2",
    )
    assert done.returncode == 0, done.stderr
    chain = load_manifest(out)
    assert chain.stages[0].taps.shape == (9, 1, 1, 2)
    assert "filter_exact.tflite" in done.stdout
    assert "equal in all of" in done.stdout and "Done in" in done.stdout
    assert "numbers differ" not in done.stdout
    assert (out / "report.html").exists()
    # Once more is refused, and tells how to go on.
    again = command(model, f"--out={out}")
    assert again.returncode == 1
    assert "overwrite" in again.stderr and "Traceback" not in again.stderr


@pytest.mark.slow
def test_int8_is_asked_for_by_name_and_its_ratio_told(model, tmp_path):
    out, signal = tmp_path / "out", tmp_path / "x.npy"
    np.save(signal, np.arange(-64, 64).reshape(1, 64, 2))
    done = command(
        model,
        f"--out={out}",
        "--option=litert.profiles=exact,int8",
        f"--option=litert.calibration={signal}",
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "filter_exact.tflite",
        "filter_stream.tflite",
        "filter_int8.tflite",
        "manifest.json",
    }
    assert "dB; no equality is promised" in done.stdout
    assert str(tmp_path) not in (out / "manifest.json").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out=x"], "path of one model"),
        (["MODEL"], "--out=DIR"),
        (["MODEL", "--out=x", "--target=abacus"], "abacus"),
        (["MODEL", "--out=x", "--option=lanes=2"], "TARGET.NAME=VALUE"),
        (["missing.keras", "--out=x"], "missing.keras"),
    ],
)
def test_wrong_arguments_are_told(model, tmp_path, arguments, words):
    arguments = [model if each == "MODEL" else each for each in arguments]
    arguments = [
        f"--out={tmp_path / 'x'}" if each == "--out=x" else each
        for each in arguments
    ]
    done = command(*arguments)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.fixture
def main(monkeypatch):
    """The command with flags of its own: others have an `out`, too."""
    own = flags.FlagValues()
    for kind in ("string", "list", "integer", "multi_string", "bool"):
        define = getattr(flags, f"DEFINE_{kind}")
        define = functools.partial(define, flag_values=own)
        monkeypatch.setattr(flags, f"DEFINE_{kind}", define)
    module = runpy.run_module("tflite_export.__main__", run_name="command")

    def run(path, out):
        return module["main"](own(["command", str(path), f"--out={out}"]))

    return run


@pytest.mark.parametrize("lacks", ["an entry", "a byte"])
def test_a_broken_file_is_told(lacks, main, tmp_path, capsys):
    path = tmp_path / "broken.keras"
    with zipfile.ZipFile(path, "w") as broken:
        broken.writestr("metadata.json", "{}")
        if lacks == "a byte":
            broken.writestr("config.json", "{" + "  " * 50 + "}")
    if lacks == "a byte":
        path.write_bytes(path.read_bytes().replace(b"{  ", b"{ x", 1))
    assert main(path, tmp_path / "out") == 1
    assert "Nothing was exported." in capsys.readouterr().err
