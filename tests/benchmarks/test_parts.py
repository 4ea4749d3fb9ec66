import json

import pytest
from absl import app

from benchmarks import parts, results


def some(rounds):
    """Two parts, whose rows tell how often they were to be timed."""
    return {
        name: lambda name=name: [results.row(name, "rounds", rounds, "")]
        for name in ("one graph", "two graph")
    }


def ran(tmp_path, only=None, argv=("program",)):
    out = tmp_path / "result.json"
    given = {"rounds": 3, "only": only, "out": str(out)}
    parts.run(list(argv), given, some, "Title", "python -m benchmarks.some")
    return json.loads(out.read_text("utf-8"))


def test_all_parts_are_recorded(tmp_path):
    made = ran(tmp_path)
    results.check(made)
    assert [row["name"] for row in made["rows"]] == ["one graph", "two graph"]
    assert {row["value"] for row in made["rows"]} == {3}
    assert made["command"] == "python -m benchmarks.some"


def test_a_word_chooses_parts(tmp_path):
    made = ran(tmp_path, "two")
    assert [row["name"] for row in made["rows"]] == ["two graph"]
    assert made["command"] == "python -m benchmarks.some --only=two"


@pytest.mark.parametrize(
    "options", [{"only": "three"}, {"argv": ("program", "rest")}]
)
def test_what_is_unknown_is_a_usage_error(tmp_path, options):
    with pytest.raises(app.UsageError):
        ran(tmp_path, **options)


def test_what_is_cut_off_keeps_what_it_has_measured(tmp_path):
    def cut(rounds):
        return {**some(rounds), "three": lambda: 1 / 0}

    out = tmp_path / "result.json"
    given = {"rounds": 3, "only": None, "out": str(out)}
    with pytest.raises(ZeroDivisionError):
        parts.run(["program"], given, cut, "Title", "python -m a", "a chip")
    made = json.loads(out.read_text("utf-8"))
    assert [row["name"] for row in made["rows"]] == ["one graph", "two graph"]
    assert made["machine"].endswith("a chip")
