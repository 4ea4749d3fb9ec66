import pytest

from benchmarks import notes, results


def _results(*rows):
    """One run of rows, of which those with a value above 1 miss their aim."""
    rows = [results.row(*row, "s", aim="<= 1") for row in rows]
    return {
        "speed": results.Result(
            "Speed", "make speed", {"a": "1"}, "a core", [], 1.0, rows
        )
    }


def test_texts_stand_below_names(tmp_path):
    path = tmp_path / "missed.txt"
    assert notes.read(path) == {}
    path.write_text("# head\n\na/b/*\n  why\n\n\tso\nc/d\n  thus\n")
    assert notes.read(path) == {"a/b/*": "why so", "c/d": "thus"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("  why\n", "name of rows first"), ("a/b\nc/d\n  x\n", "text below.*a/b")],
)
def test_names_and_texts_come_in_pairs(tmp_path, text, words):
    path = tmp_path / "missed.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        notes.read(path)


def test_missed_rows_stand_together_with_their_cause():
    rows = [("step", f"time {i}", 2.0 + i) for i in range(5)]
    found = notes.missed(
        _results(*rows, ("step", "memory", 0.5)), {"speed/step/*": "old"}
    )
    assert found == [
        {
            "Rows": "`speed/step/*`",
            "Measured": "2.00 s; 3.00 s; 4.00 s; 2 more",
            "Aim": "<= 1",
            "Why": "old",
        }
    ]


def test_a_missed_row_wants_a_cause_and_a_cause_a_missed_row():
    with pytest.raises(ValueError, match="a cause for each.*speed/step/time"):
        notes.missed(_results(("step", "time", 2)), {"speed/step/size": "x"})
    with pytest.raises(ValueError, match="patterns of missed.*speed/step"):
        notes.missed(_results(("step", "time", 0)), {"speed/step/*": "x"})
