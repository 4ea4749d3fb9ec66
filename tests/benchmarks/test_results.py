import dataclasses
import json
import os
import pathlib

import numpy as np
import pytest

from benchmarks import environment, results

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("aim", "below", "edge", "above"),
    [
        ("<= 1.10", "pass", "pass", "miss"),
        (">= 1.10", "miss", "pass", "pass"),
        ("== 1.10", "miss", "pass", "miss"),
        (None, "info", "info", "info"),
    ],
)
def test_verdict_on_both_sides_of_an_aim_and_on_its_edge(
    aim, below, edge, above
):
    measured = [np.nextafter(1.10, 0), 1.10, np.nextafter(1.10, 2)]
    verdicts = [results.judge(x, aim) for x in measured]
    assert verdicts == [below, edge, above]


@pytest.mark.parametrize("aim", ["fast", "1.10", "< 1", "<= x", "<=1", ">< 1"])
def test_an_aim_that_is_not_a_comparison_is_refused(aim):
    with pytest.raises(ValueError, match="expects `aim`.*Received: aim="):
        results.judge(1.0, aim)


def test_row_takes_range_ratio_and_verdict_from_its_arguments():
    made = results.row(
        "a",
        "b",
        np.float32(3.0),
        "s",
        samples=np.array([4.0, 2.0, 3.0]),
        against="c",
        against_value=np.int64(2),
        aim="<= 1.4",
    )
    assert (made.low, made.high, made.ratio) == (2.0, 4.0, 1.5)
    assert type(made.value) is float and type(made.against_value) is int
    assert made.verdict == "miss"


def test_an_aim_judges_the_ratio_where_there_is_one():
    reference = {"against": "c", "against_value": 4.0}
    assert results.row("a", "b", 5.0, "s", aim="<= 2").verdict == "miss"
    with_ratio = results.row("a", "b", 5.0, "s", aim="<= 2", **reference)
    assert with_ratio.verdict == "pass"


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")]])
def test_row_refuses_samples_without_a_range(samples):
    with pytest.raises(ValueError, match="`samples` to be one finite number"):
        results.row("a", "b", 1.0, "s", samples=samples)


def test_row_refuses_an_aim_on_a_ratio_to_zero():
    with pytest.raises(ValueError, match="a ratio that `aim` can judge"):
        results.row("a", "b", 1.0, "", against="c", against_value=0, aim="== 0")
    made = results.row("a", "b", 1.0, "", against="c", against_value=0)
    assert made.ratio is None


def test_a_mean_out_of_its_range_by_rounding_is_accepted():
    mean = sum([0.1] * 3) / 3
    assert mean > 0.1
    assert results.row("a", "b", mean, "s", samples=[0.1] * 3).high == 0.1


def test_a_valid_result_passes_as_object_dictionary_and_file(good, tmp_path):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(good()))
    results.check(good())
    results.check(path)
    results.check(str(path))
    results.check(results.load(path))


@pytest.mark.parametrize("field", dataclasses.fields(results.Result))
def test_check_refuses_a_missing_key(good, field):
    obj, key = good(), field.name
    del obj[key]
    with pytest.raises(ValueError, match=f"the keys.*no key `{key}`"):
        results.check(obj)


def test_check_refuses_an_unknown_or_missing_key_of_a_row(good, bad_row):
    with pytest.raises(ValueError, match="row 0.*unknown key `speed`"):
        results.check(bad_row(speed=1))
    obj = good()
    del obj["rows"][1]["aim"]
    with pytest.raises(ValueError, match="row 1.*no key `aim`"):
        results.check(obj)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "x"}, "unknown key `host`"),
        ({"name": 3}, "`name` to be a string. Received: name=3"),
        ({"command": ""}, "`command` not to be empty. Received: command=''"),
        ({"command": " "}, "`command` not to be empty"),
        ({"machine": ""}, "`machine` not to be empty"),
        ({"versions": ["3"]}, "`versions` to be a mapping"),
        ({"versions": {"keras": 3}}, "`versions` to be a mapping"),
        ({"seeds": 0}, "`seeds` to be a list of integers"),
        ({"seeds": [0.5]}, "`seeds` to be a list of integers"),
        ({"seeds": [True]}, "`seeds` to be a list of integers"),
        ({"seconds": "1"}, "`seconds` to be a finite number"),
        ({"seconds": True}, "`seconds` to be a finite number"),
        ({"seconds": float("inf")}, "`seconds` to be a finite number"),
        ({"rows": []}, "`rows` not to be empty"),
        ({"rows": [1]}, "`rows` to be a list of rows"),
    ],
)
def test_check_refuses_a_defect_of_a_result(good, changes, words):
    with pytest.raises(ValueError, match=words):
        results.check(good(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": float("nan")}, "`value` to be a finite number.*value=nan"),
        ({"value": float("-inf")}, "`value` to be a finite number.*-inf"),
        ({"value": None}, "`value` to be a finite number.*None"),
        ({"value": True}, "`value` to be a finite number.*True"),
        ({"low": float("nan")}, "`low` to be a finite number or null"),
        ({"unit": None}, "`unit` to be a string"),
        ({"aim": 1.1}, "`aim` to be a string or null"),
        ({"metric": ""}, "`metric` not to be empty"),
        ({"low": 1.2}, "`low` <= `value` <= `high`. Received: low=1.2"),
        ({"low": 1.05 * (1 + 1e-12), "high": 1.05}, "`low` <= `value`"),
        ({"low": 1.06}, "`low` <= `value` <= `high`"),
        ({"high": 1.04}, "`low` <= `value` <= `high`"),
        ({"low": None}, "both or none of `low`, `high`. Received: low=None"),
        ({"against": None}, "`against` to name `against_value`"),
        ({"against_value": None}, "`ratio` to be .*None. Received: ratio=1.05"),
        ({"against_value": 0}, "a ratio that `aim` can judge"),
        ({"ratio": None}, "`ratio` to be .*1.05. Received: ratio=None"),
        ({"ratio": 1.07}, "`ratio` to be .*1.05. Received: ratio=1.07"),
        ({"verdict": "miss"}, "to be 'pass' .*Received: verdict='miss'"),
        ({"verdict": "info"}, "to be 'pass' .*Received: verdict='info'"),
        ({"verdict": "good"}, "to be 'pass' .*Received: verdict='good'"),
        ({"aim": None}, "to be 'info' .*Received: verdict='pass'"),
        ({"aim": "<= 1.04"}, "to be 'miss' .*Received: verdict='pass'"),
        ({"aim": "fast"}, "`aim` to be one of"),
        # A rounded ratio does not carry a value across the aim.
        (
            {"value": 1.104, "high": 1.2, "ratio": 1.1},
            "to be 'miss' for 1.104",
        ),
    ],
)
def test_check_refuses_a_defect_of_a_row(bad_row, changes, words):
    with pytest.raises(ValueError, match=words):
        results.check(bad_row(**changes))


def test_check_refuses_two_rows_of_one_name_and_metric(good):
    with pytest.raises(ValueError, match="Received: `digits/step time` twice"):
        results.check(good(rows=good()["rows"][:1] * 2))


def test_check_accepts_a_ratio_rounded_by_less_than_one_percent(bad_row):
    results.check(bad_row(ratio=1.055))


@pytest.mark.parametrize(
    "text",
    [
        "/home/me/x.py",
        "/work/x",
        "/tmp/x",
        "/root/x",
        "python -m x --out=/tmp/x",
        "python '/opt/x/y.py'",
        "file:///home/me",
        "see /tmp",
        r"C:\x",
    ],
)
def test_check_refuses_an_absolute_path_in_any_string(good, bad_row, text):
    for obj in (
        good(command=text),
        good(versions={"keras": text}),
        good(versions={text: "1"}),
        bad_row(against=text),
    ):
        with pytest.raises(ValueError, match="no absolute path. Received: "):
            results.check(obj)


@pytest.mark.parametrize(
    "text", ["a/tmp/b", "../work/b", "./home/c", "1 / s", "https://a.org/b/c"]
)
def test_check_accepts_what_is_not_an_absolute_path(bad_row, text):
    results.check(bad_row(name=text))


def test_check_names_the_file_and_what_it_holds(tmp_path):
    path = tmp_path / "speed.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="`speed.json` expects JSON"):
        results.check(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="a JSON object.*builtins.list"):
        results.check(path)


def test_written_files_reload_equal_and_are_stable(good, tmp_path):
    source, path = tmp_path / "a.json", tmp_path / "new/b.json"
    source.write_text(json.dumps(good()))
    result = results.load(source)
    results.write(result, path)
    assert results.load(path) == result
    first = path.read_text()
    results.write(results.load(path), path)
    assert path.read_text() == first
    assert first.endswith("}\n")
    assert list(json.loads(first)) == sorted(good())


def test_a_failing_write_leaves_the_old_file(good, tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    result = results.Result(**good(rows=[results.row("a", "b", 1.0, "s")]))
    results.write(result, path)
    old = path.read_text()
    other = dataclasses.replace(result, seconds=1.0)

    with pytest.raises(ValueError, match="`command` not to be empty"):
        results.write(dataclasses.replace(result, command=""), path)
    assert path.read_text() == old

    def full(source, target):
        assert pathlib.Path(source).read_text() != old
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="disk full"):
            results.write(other, path)
    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


def test_machine_and_versions_name_no_host_and_no_path(good):
    assert "core" in environment.machine()
    assert os.uname().nodename not in environment.machine()
    assert {"python", "numpy", "keras"} <= environment.versions().keys()
    results.check(
        good(machine=environment.machine(), versions=environment.versions())
    )


def test_recorded_results_pass_the_check():
    for path in sorted((ROOT / "docs/results").glob("*.json")):
        results.check(path)
