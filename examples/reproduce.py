"""What the papers claim, and what is found here: one report.

Each claim of each paper is a row: the claim, what is measured, the value, and
the verdict, which follows from results: it holds where all comparisons do with
their whole ranges, holds in part where some do, and else does not hold here.

Run it as `python -m examples.reproduce`, which reads the recorded results of
full size in docs/results, in seconds. `--preset=small` runs small versions on
data that come with the packages, which takes about half an hour of a core, and
goes on where it was stopped; `--paper` names one. The verdicts of small runs
are of small runs.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import os
import pathlib
import shlex
import subprocess
import sys
import time

from absl import app, flags

from benchmarks import environment, pages, results, tables
from examples.reproduce_parts import learning, networks, page
from examples.reproduce_parts.claims import UNKNOWN, decide

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAPERS = {
    "binary_gan": networks.BINARY_GAN,
    "local_learning": learning.LOCAL,
    "replace_backprop": learning.REPLACE,
    "implicit": learning.IMPLICIT,
    "backprop_q": learning.BACKPROP_Q,
    "asic": networks.ASIC,
    "backdrop": networks.BACKDROP,
    "spectral": networks.SPECTRAL,
    "guided": networks.GUIDED,
}
_HEAD = "# What the papers claim, and what is found here\n\n"
_FROM = {
    "paper": "Rendered from docs/results by `python -m examples.reproduce "
    "--page=docs/claims.md`, which also writes a report with figures.",
    "small": "Small runs of `python -m examples.reproduce --preset=small`, and "
    "verdicts of small runs.",
}
_RULE = (
    " A claim holds where all comparisons do with their whole ranges, in part "
    "where some do, and else does not hold here; what ranges do not decide "
    "does not hold.\n"
)


def of_full_size(paper, recorded):
    """Recorded results of a paper.

    Args:
        paper: `Paper`.
        recorded: Dictionary from stems to `results.Result`.

    Returns:
        Dictionary from sources to `results.Result`.
    """
    return {
        name: recorded[run.recorded]
        for name, run in paper.runs.items()
        if run.recorded in recorded
    }


def of_small_size(paper, folder, show=print):
    """Runs what is not there yet; a failure is told, and left out.

    Args:
        paper: `Paper`.
        folder: `pathlib.Path`, for results.
        show: Function of a string.

    Returns:
        Dictionary from sources to `results.Result`.
    """
    found = {}
    # What is small is so on any machine.
    given = {k: v for k, v in os.environ.items() if k != "KERAS_BP_DATA"}
    for name, run in paper.runs.items():
        path = folder / f"{run.recorded}.json"
        if run.small and not path.exists():
            show(f"python {run.small}")
            log = path.with_suffix(".log")
            kept = f"--out_dir={path.with_suffix('').resolve()}"
            with log.open("w", encoding="utf-8") as text:
                subprocess.run(
                    [
                        sys.executable,
                        *shlex.split(run.small),
                        *([kept] if run.keeps else []),
                        f"--out={path.resolve()}",
                    ],
                    cwd=ROOT,
                    env=given,
                    stdin=subprocess.DEVNULL,
                    stdout=text,
                    stderr=subprocess.STDOUT,
                )
        if path.exists():
            found[name] = results.load(path)
        elif run.small:
            show(f"It failed: see {log}.")
    return found


def rows_of(name, decided):
    """Rows of results that count the comparisons of decided claims.

    Args:
        name: String, of the paper.
        decided: List of dictionaries, of `claims.decide`.

    Returns:
        List of `results.Row`.
    """
    return [
        results.row(
            f"{name}: {item['claim']}",
            f"comparisons that hold, {item['measure']}",
            item["holding"],
            "",
            against=f"{item['compared']} made: {item['verdict']}",
        )
        for item in decided
        if item["verdict"] != UNKNOWN
    ]


def markdown(report, preset="paper"):
    """The claims of all papers as a page of Markdown.

    Args:
        report: List of tuples of a `Paper`, its decided claims, and a
            dictionary from sources to `results.Result`.
        preset: String, `"paper"` or `"small"`.
    """
    parts = [_HEAD + _FROM[preset] + _RULE]
    for paper, decided, found in report:
        commands = dict.fromkeys(f"`{run.command}`" for run in found.values())
        lines = tables.markdown([_cells(item) for item in decided])
        parts.append(
            f"## {paper.title}\n\n{paper.authors}.\n\n{lines}\n"
            f"{', '.join(commands)}\n"
        )
    return "\n".join(parts)


def decided_at_full_size(root=ROOT, names=None):
    """The report of recorded results, as `markdown` takes it."""
    recorded = pages.recorded(root)
    report = []
    for paper in (PAPERS[name] for name in names or PAPERS):
        found = of_full_size(paper, recorded)
        decided = [decide(claim, found) for claim in paper.claims]
        report.append((paper, decided, found))
    return report


def decided_at_small_size(folder, names=None):
    """The report of small runs, as `markdown` takes it."""
    report = []
    for paper in (PAPERS[name] for name in names or PAPERS):
        found = of_small_size(paper, folder)
        decided = [decide(claim, found, False) for claim in paper.claims]
        report.append((paper, decided, found))
    return report


def _cells(item):
    names = ("claim", "measure", "value", "verdict")
    return {name.capitalize(): item[name] for name in names}


def main(argv, given):
    """Decides claims and writes the report; 1 where a small run failed."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    begin, preset = time.perf_counter(), given["preset"]
    folder = pathlib.Path(given["out_dir"] or f"out/reproduce/{preset}")
    folder.mkdir(parents=True, exist_ok=True)
    names = [given["paper"]] if given["paper"] else list(PAPERS)
    if preset == "paper":
        report = decided_at_full_size(names=names)
    else:
        report = decided_at_small_size(folder, names)
    text = markdown(report, preset)
    print(text)
    path = folder / "report.html"
    page.write(path, report, preset, ROOT / "docs/images")
    print(f"Report: {path}")
    if given["page"]:
        pathlib.Path(given["page"]).write_text(text, encoding="utf-8")
    pairs = zip(names, report, strict=True)
    rows = [row for name, part in pairs for row in rows_of(name, part[1])]
    if rows:
        command = f"python -m examples.reproduce --preset={preset}"
        if given["paper"]:
            command += f" --paper={given['paper']}"
        seconds = time.perf_counter() - begin
        title = f"Claims of the papers, {preset}"
        result = environment.result(title, command, [], seconds, rows)
        results.write(result, given["out"] or folder / "metrics.json")
    failed = [
        run.small
        for paper, _, found in report
        for source, run in paper.runs.items()
        if preset == "small" and run.small and source not in found
    ]
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    holders = {
        "paper": flags.DEFINE_enum(
            "paper", None, sorted(PAPERS), "One paper; default all."
        ),
        "preset": flags.DEFINE_enum(
            "preset",
            "paper",
            ["paper", "small"],
            "Recorded results of full size, or small runs.",
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder; default out/reproduce/PRESET."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
        "page": flags.DEFINE_string(
            "page", None, "File for the claims as Markdown."
        ),
    }
    app.run(
        lambda argv: main(
            argv, {name: holder.value for name, holder in holders.items()}
        )
    )
