import json
import pathlib
import shlex

import pytest
from absl import app

from benchmarks import pages, results
from benchmarks import run as benchmark

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _result(command, value=2.0):
    row = results.row("step", "time", value, "s", aim="<= 1")
    return results.Result("Speed", command, {"a": "1"}, "a", [], 1.0, [row])


def _python(text):
    """A command that runs `text` with the path of its result as `out`."""
    head = "import sys, pathlib; out = pathlib.Path(sys.argv[1][6:]); "
    return f"python -c {shlex.quote(head + text)}"


def test_every_benchmark_is_recorded_and_can_be_run_again():
    recorded = benchmark.chosen(pages.recorded(ROOT), "*", [])
    ran = {result.command.split()[2] for result in recorded.values()}
    programs = {
        f"benchmarks.{path.stem}"
        for path in ROOT.glob("benchmarks/*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    others = {"benchmarks.pages", "benchmarks.run"}
    assert ran == programs - others


def test_patterns_choose_benchmarks_alone():
    recorded = {
        "gpu_a": _result("python -m benchmarks.gpu"),
        "layers": _result("python -m benchmarks.layers"),
        "local": _result("python -m examples.local"),
    }
    assert list(benchmark.chosen(recorded, "*", ["gpu_*"])) == ["layers"]
    assert list(benchmark.chosen(recorded, "gpu*", [])) == ["gpu_a"]


def test_what_is_done_is_not_run_again_and_failures_are_named(tmp_path, capsys):
    good = "out.write_text('{}'); print('ran')"
    # A part of a result, of a run that was cut off, is no result.
    names = {
        "good": _result(_python(good)),
        "bad": _result(_python("out.write_text('{}'); sys.exit('no rival')")),
        "none": _result(_python("pass")),
    }
    assert benchmark.work(names, tmp_path, None) == ["bad", "none"]
    assert {path.name for path in tmp_path.glob("*.json")} == {"good.json"}
    assert "no rival" in (tmp_path / "bad.log").read_text()
    names["good"] = _result(_python("sys.exit(1)"))
    assert benchmark.work({"good": names["good"]}, tmp_path, None) == []
    capsys.readouterr()
    assert benchmark.work(names, tmp_path, -1.0) == []
    assert "Left: bad." in capsys.readouterr().out


def test_the_table_has_the_aims_and_what_was_recorded():
    found = {"speed": _result("python -m benchmarks.layers", 0.5)}
    recorded = {"speed": _result("python -m benchmarks.layers")}
    (line,) = benchmark.table(found, recorded)
    assert (line["Run"], line["Name"]) == ("speed", "step")
    assert (line["Value"], line["Recorded"]) == ("0.500 s", "2.00 s")
    assert (line["Aim"], line["Verdict"]) == ("<= 1", "pass")
    (line,) = benchmark.table(found, {})
    assert line["Recorded"] == ""


def test_times_within_a_metric_do_not_hide_what_was_recorded():
    found, recorded = (
        {"a": results.Result("Speed", "x", {"a": "1"}, "a", [], 1.0, [row])}
        for row in (
            results.row("step", f"of ours ({n} ms each)", 2.0, "s", aim="<= 1")
            for n in (0.1, 0.27)
        )
    )
    assert benchmark.table(found, recorded)[0]["Recorded"] == "2.00 s"


def test_main_prints_the_table_and_records(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "ROOT", tmp_path)
    folder = tmp_path / "docs/results"
    results.write(_result("python -m benchmarks.layers"), folder / "a.json")
    given = {"match": "*", "skip": [], "minutes": None, "record": True}
    given["out_dir"] = str(tmp_path / "out")
    path = tmp_path / "out" / "a.json"
    results.write(_result("python -m benchmarks.layers", 0.5), path)
    assert benchmark.main(["run"], given) == 0
    assert "| a | step | time | 0.500 s |" in capsys.readouterr().out
    row = json.loads((folder / "a.json").read_text())["rows"][0]
    assert row["value"] == 0.5
    with pytest.raises(app.UsageError, match="No benchmark is named 'b'"):
        benchmark.main(["run"], given | {"match": "b"})
