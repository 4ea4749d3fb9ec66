import json
import pathlib
import re
import types

import pytest
from command_flags import flags_of

from benchmarks import results
from examples import reproduce
from examples.reproduce_parts import claims
from examples.reproduce_parts.claims import Check, Claim
from examples.reproduce_parts.paper import Paper, Run


def _run(*rows):
    return types.SimpleNamespace(
        command="python x", rows=[results.row(*a, **k) for a, k in rows]
    )


def _row(name, value, low=None, high=None, aim=None):
    samples = None if low is None else (low, value, high)
    return (name, "time", value, "s"), {"samples": samples, "aim": aim}


RUN = _run(
    _row("a/new", 1.0, 0.9, 1.1),
    _row("a/old", 2.0, 1.05, 3.0),
    _row("b/new", 3.0, 2.9, 3.1, aim="<= 4"),
    _row("b/old", 5.0, aim="<= 4"),
)


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (Check("run", "a/new/time", "<", 1.2), claims.HOLDS),
        # A range that holds the limit does not decide.
        (Check("run", "a/new/time", "<", 1.0), claims.NOT),
        (Check("run", "a/new/time", "<=", 1.1), claims.HOLDS),
        (Check("run", "a/new/time", "<", 1.1), claims.NOT),
        (Check("run", "a/new/time", ">", 0.5), claims.HOLDS),
        (Check("run", "a/new/time", ">", 0.9), claims.NOT),
        (Check("run", "a/new/time", ">=", 0.9), claims.HOLDS),
        # Ranges of both.
        (Check("run", "a/new/time", "<", "a/old/time"), claims.NOT),
        (Check("run", "b/new/time", ">=", "a/old/time"), claims.NOT),
        (Check("run", "b/new/time", ">", "a/new/time"), claims.HOLDS),
        (Check("run", "b/*/time", ">=", "b/old/time"), claims.PART),
        (
            Check("run", "b/new/time", ">=", "b/old/time", margin=-2.2),
            claims.HOLDS,
        ),
        (Check("run", "*/time", "aim", None), claims.PART),
        (Check("run", "*/time", "aim", None, last=True), claims.NOT),
        (Check("not there", "a/new/time", "<", 1.2), claims.UNKNOWN),
    ],
)
def test_whole_ranges_decide(check, verdict):
    decided = claims.decide(Claim("It is so", "time", (check,)), {"run": RUN})
    assert decided["verdict"] == verdict
    assert (decided["compared"] > 0) == (verdict != claims.UNKNOWN)


def test_rows_that_are_not_there_are_an_error_unless_runs_are_small():
    claim = Claim("It is so", "time", (Check("run", "c/*", "<", 1),))
    with pytest.raises(LookupError, match="python x has no row 'c/"):
        claims.decide(claim, {"run": RUN})
    decided = claims.decide(claim, {"run": RUN}, strict=False)
    assert decided["verdict"] == claims.UNKNOWN


def test_each_claim_is_decided_by_recorded_results(tmp_path, capsys):
    given = dict.fromkeys(("paper", "out", "page"))
    given |= {"preset": "paper", "out_dir": str(tmp_path)}
    reproduce.main(["reproduce"], given)
    shown = capsys.readouterr().out
    assert shown.count("| does not hold here |") > 0 < shown.count("| holds |")
    assert claims.UNKNOWN not in shown
    rows = json.loads((tmp_path / "metrics.json").read_text())["rows"]
    assert len(rows) == sum(len(p.claims) for p in reproduce.PAPERS.values())
    text = (tmp_path / "report.html").read_text()
    assert text.count("<h2") == len(reproduce.PAPERS)
    assert text.count("data:image/png;base64,") >= len(reproduce.PAPERS)


def test_the_page_of_claims_is_not_stale():
    page = pathlib.Path(reproduce.ROOT, "docs/claims.md").read_text()
    assert page == reproduce.markdown(reproduce.decided_at_full_size())


def test_small_runs_are_made_once_and_failures_are_told(tmp_path):
    row = results.row("a", "time", 1.0, "s")
    good = results.Result("A", "make a", {"a": "1"}, "a", [], 1.0, [row])
    results.write(good, tmp_path / "made.json")
    program = tmp_path / "program.py"
    program.write_text(
        "import os, shutil, sys\n"
        "assert 'KERAS_BP_DATA' not in os.environ\n"
        "out = sys.argv[-1].removeprefix('--out=')\n"
        f"shutil.copy({str(tmp_path / 'made.json')!r}, out)\n"
    )
    runs = {
        "good": Run(str(program), "good"),
        "bad": Run(f"{program}.missing", "bad"),
        "large": Run("", "large"),
    }
    folder, told = tmp_path / "runs", []
    folder.mkdir()
    paper = Paper("P", "Q", runs, ())
    found = reproduce.of_small_size(paper, folder, told.append)
    assert list(found) == ["good"] and found["good"] == good
    assert len(told) == 3 and told[-1].startswith("It failed: see")
    assert "No such file" in (folder / "bad.log").read_text()
    told.clear()
    reproduce.of_small_size(paper, folder, told.append)
    assert not any(text.endswith("program.py") for text in told)


def test_small_runs_are_given_flags_that_they_have():
    for paper in reproduce.PAPERS.values():
        for run in paper.runs.values():
            if not run.small:
                continue
            flag, module, *given = run.small.split()
            needed = {"out", *(["out_dir"] if run.keeps else [])}
            needed |= set(re.findall(r"--(\w+)", " ".join(given)))
            assert flag == "-m" and needed <= flags_of(module), run.small
