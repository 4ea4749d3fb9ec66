"""Runs the recorded benchmarks again, and puts all aims in one table.

Every file of docs/results whose command is `python -m benchmarks...` is run by
that command, one after the other, in the environment that this is started in:
that of `make rivals`, or rivals that are not installed are left out or told.
The table has what was measured, against what, the ratio, its range, the aim,
the verdict, and the recorded value.

Run it as `python -m benchmarks.run`. It takes an hour of a quiet core. What is
done is kept: it goes on where it was stopped, by `--minutes` or otherwise.
`--record` puts what has been run into docs/results.
"""

import fnmatch
import pathlib
import re
import shlex
import subprocess
import sys
import time

from absl import app, flags

from benchmarks import pages, results, tables

_MODULES = "python -m benchmarks."
ROOT = pathlib.Path(__file__).resolve().parents[1]


def chosen(recorded, match, skip):
    """The benchmarks among recorded results.

    Args:
        recorded: Dictionary from stems to `results.Result`.
        match: String, a pattern of stems.
        skip: List of such.

    Returns:
        Dictionary from stems to `results.Result`.
    """
    return {
        stem: result
        for stem, result in recorded.items()
        if result.command.startswith(_MODULES)
        and fnmatch.fnmatchcase(stem, match)
        and not any(fnmatch.fnmatchcase(stem, each) for each in skip)
    }


def run(command, path, log):
    """Runs a recorded command; returns whether it ended well.

    Args:
        command: String, such as `"python -m benchmarks.layers"`.
        path: `pathlib.Path`, of the result.
        log: `pathlib.Path`, for what it prints.
    """
    _, *arguments = shlex.split(command)
    # A result is also written after each part: it counts when all are done.
    part = path.with_suffix(".part")
    with log.open("w", encoding="utf-8") as text:
        ended = subprocess.run(
            [sys.executable, *arguments, f"--out={part.resolve()}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=text,
            stderr=subprocess.STDOUT,
        )
    if ended.returncode == 0 and part.exists():
        part.replace(path)
        return True
    return False


def _kind(metric):
    """A metric without a time on the way, as in "speed (0.1 ms a step)"."""
    return re.sub(r" \([\d.]+ m?s\b[^)]*\)", "", metric)


def table(found, recorded):
    """Lines of all aims, for `tables`.

    Args:
        found, recorded: Dictionaries from stems to `results.Result`.

    Returns:
        List of dictionaries.
    """
    before = {
        (stem, item.name, _kind(item.metric)): item
        for stem, result in recorded.items()
        for item in result.rows
    }
    records = []
    for stem, result in found.items():
        for item in result.rows:
            old = before.get((stem, item.name, _kind(item.metric)))
            if item.aim:
                then = "" if old is None else tables.cells(old)["Value"]
                records.append(
                    {"Run": stem} | tables.cells(item) | {"Recorded": then}
                )
    return records


def work(names, folder, minutes):
    """Runs what is not there yet.

    Args:
        names: Dictionary from stems to `results.Result`.
        folder: `pathlib.Path`.
        minutes: Float, after which nothing begins, or None.

    Returns:
        List of the stems that failed.
    """
    begin, failed = time.perf_counter(), []
    for stem, result in names.items():
        path, log = folder / f"{stem}.json", folder / f"{stem}.log"
        passed = (time.perf_counter() - begin) / 60
        if path.exists():
            continue
        if minutes is not None and passed > minutes:
            print(f"Left: {stem}.", flush=True)
            continue
        last = tables.digits(round(result.seconds))
        print(f"{result.command} (took {last} s)", flush=True)
        if not run(result.command, path, log):
            failed.append(stem)
            print(f"It failed: see {log}.", flush=True)
    return failed


def main(argv, given):
    """Runs, prints the table, and records."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    recorded = pages.recorded(ROOT)
    names = chosen(recorded, given["match"], given["skip"])
    if not names:
        raise app.UsageError(f"No benchmark is named {given['match']!r}.")
    folder = pathlib.Path(given["out_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    failed = work(names, folder, given["minutes"])
    paths = {stem: folder / f"{stem}.json" for stem in names}
    found = {
        stem: results.load(path)
        for stem, path in paths.items()
        if path.exists()
    }
    lines = table(found, recorded)
    text = tables.markdown(lines)
    results.replace_file(folder / "table.md", text)
    print(f"{text}\nTable: {folder / 'table.md'}")
    if given["record"]:
        for stem, result in found.items():
            results.write(result, ROOT / f"docs/results/{stem}.json")
        print("Recorded. Run make results, and say why of new misses.")
    return int(bool(failed))


if __name__ == "__main__":
    holders = {
        "match": flags.DEFINE_string("match", "*", "Stems of docs/results."),
        "skip": flags.DEFINE_list(
            "skip",
            ["gpu_*", "soak"],
            "Stems to leave out: what needs an accelerator, or hours.",
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "Nothing begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", "out/benchmarks", "Folder for results and logs."
        ),
        "record": flags.DEFINE_bool(
            "record", False, "Put results into docs/results."
        ),
    }
    app.run(
        lambda argv: main(
            argv, {name: holder.value for name, holder in holders.items()}
        )
    )
