import json
import pathlib
import subprocess
import sys

import pytest

from benchmarks import pages, results, tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARKED = "# Title\n\n<!-- results:begin -->\n<!-- results:end -->\n\nEnd.\n"


@pytest.fixture
def checkout(good):
    """Returns a function that fills a folder as a checkout."""

    def fill(root, readme=MARKED, selection=None):
        """Fills `root` with one result file, a README and a selection."""
        folder = root / "docs/results"
        folder.mkdir(parents=True)
        (folder / "speed.json").write_text(json.dumps(good()))
        if readme is not None:
            (root / "README.md").write_text(readme)
        if selection is not None:
            (folder / "readme.txt").write_text(selection)
        return root

    return fill


def run(root, *arguments):
    command = [sys.executable, "-m", "benchmarks.pages", f"--root={root}"]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0, "0"),
        (12345, "12,345"),
        (1.0, "1.00"),
        (0.98765, "0.988"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (1.234e-5, "1.23e-05"),
        (-2.5e7, "-2.50e+07"),
    ],
)
def test_a_table_shows_three_significant_digits(value, shown):
    text = tables.text_table([results.row("a", "b", value, "s")])
    assert text.splitlines()[2].split()[2:4] == [shown, "s"]


def test_tables_show_range_unit_reference_and_verdict(good):
    rows = [results.Row(**item) for item in good()["rows"]]
    assert tables.table(rows).splitlines() == [
        "| Name | Metric | Value | Against | Ratio | Aim | Verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| digits | step time | 1.05 (1.00 to 1.10) ms "
        "| Keras Dense: 1.00 ms | 1.05 | <= 1.10 | pass |",
        "| digits | mismatches | 0 |  |  | == 0 | pass |",
    ]
    lines = tables.text_table(rows).splitlines()
    start = lines[0].index("Verdict")
    ends = [line[start:] for line in lines]
    assert ends == ["Verdict", "-------", "pass", "pass"]
    assert tables.table([]) == tables.text_table([]) == ""


def test_a_column_without_content_is_left_out_and_a_bar_is_escaped():
    text = tables.table([results.row("|x|", "error", 1, "")])
    assert text.splitlines()[0] == "| Name | Metric | Value | Verdict |"
    assert text.splitlines()[2] == r"| \|x\| | error | 1 | info |"


def test_rendering_fills_both_pages_and_check_reports_staleness(
    good, checkout, tmp_path
):
    selection = "# chosen\n\nspeed/digits/step time\n  Time of\n  a step\n"
    root = checkout(tmp_path, selection=selection)
    before = run(root, "--check")
    assert before.returncode == 1
    assert "docs/results/README.md is stale" in before.stdout
    assert "\nREADME.md is stale" in before.stdout
    assert (root / "README.md").read_text() == MARKED

    assert run(root).returncode == 0
    readme = (root / "README.md").read_text()
    assert readme.startswith("# Title\n\n<!-- results:begin -->\n\n| What")
    assert "| Time of a step | 1.05" in readme
    assert readme.endswith(" |\n\n<!-- results:end -->\n\nEnd.\n")
    assert "`python -m benchmarks.step_time`" in readme
    assert "mismatches" not in readme
    page = (root / "docs/results/README.md").read_text()
    for words in (
        "[Step time](speed.json)",
        "mismatches",
        "24 GB",
        "2 of 2",
        "`python -m benchmarks.step_time`",
    ):
        assert words in page
    assert pages.stale(root) == []
    assert run(root, "--check").returncode == 0

    path = root / "docs/results/speed.json"
    path.write_text(json.dumps(good(seconds=99)))
    assert pages.stale(root) == [root / "docs/results/README.md"]


def test_runs_follow_the_file_names(good, checkout, tmp_path):
    root = checkout(tmp_path)
    for stem in ("zebra", "apple"):
        path = root / f"docs/results/{stem}.json"
        path.write_text(json.dumps(good(name=stem)))
    page = pages.render(root)[root / "docs/results/README.md"]
    titles = [x for x in page.splitlines() if x.startswith("| [")]
    assert [x[: x.index("]")] for x in titles] == [
        "| [apple",
        "| [Step time",
        "| [zebra",
    ]


def test_rows_of_a_run_are_shown(checkout, tmp_path):
    root = checkout(tmp_path)
    assert "mismatches" in run(root, "--show=speed").stdout
    assert "one of ['speed']" in run(root, "--show=sped").stderr


def test_an_unknown_selection_lists_near_names(checkout, tmp_path):
    root = checkout(tmp_path, selection="speed/digits/step tim\n  x\n")
    with pytest.raises(ValueError, match="Near.*step time', .*mismatches"):
        pages.render(root)
    ended = run(root, "--check")
    assert ended.returncode == 1
    assert "Near names" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n",
        "<!-- results:begin -->\n",
        "<!-- results:end -->\n<!-- results:begin -->\n",
        MARKED * 2,
    ],
)
def test_a_readme_without_one_pair_of_markers_is_an_error(
    checkout, tmp_path, text
):
    root = checkout(tmp_path, readme=text)
    with pytest.raises(ValueError, match="README.md expects.*once each"):
        pages.render(root)


def test_a_missing_readme_is_left_out_with_a_message(checkout, tmp_path):
    ended = run(checkout(tmp_path, readme=None))
    assert ended.returncode == 0
    assert "README.md: not there" in ended.stdout
    assert not (tmp_path / "README.md").exists()


def test_an_empty_checkout_renders_nothing(tmp_path):
    assert pages.render(tmp_path) == {}


def test_recorded_pages_are_not_stale():
    assert pages.stale(ROOT) == []
