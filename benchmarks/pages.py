"""Renders the recorded results into docs/results/README.md and README.md.

Run it as `python -m benchmarks.pages`; `--check` says which page is stale, and
`--show=STEM` prints all rows of docs/results/STEM.json.
"""

import difflib
import pathlib
import sys

from absl import app, flags

from benchmarks import binary_gan_pages, notes, scaling_pages
from benchmarks.results import fail, load, replace_file
from benchmarks.tables import cells, digits, fill, markdown, text_table

# Files of results that fill a page: its name, its markers, what fills it.
_TABLES = {
    "scaling": ("scaling.md", "scaling", scaling_pages.tables),
    "binary_gan_mnist": ("binary_gan.md", "runs", binary_gan_pages.tables),
}
_HEAD = """# Results

Rendered from the files of this folder by `python -m benchmarks.pages`, which \
prints all rows of one with `--show=STEM`; `python -m benchmarks.run` runs the \
benchmarks among them again. An aim is for the ratio where there is one, else \
for the value. In parentheses stands a range: of timings in turns, or an \
interval over seeds.
"""


def _of_runs(results):
    records = []
    for stem, result in results.items():
        verdicts = [item.verdict for item in result.rows]
        judged = len(verdicts) - verdicts.count("info")
        met = f"{verdicts.count('pass')} of {judged}" if judged else ""
        seeds = result.seeds
        records.append(
            {
                "Run": f"[{result.name}]({stem}.json)",
                "Command": f"`{result.command}`",
                "Rows": str(len(verdicts)),
                "Aims met": met,
                "Seeds": str(len(seeds)) if seeds else "",
                "Seconds": digits(round(result.seconds)),
                "Machine": result.machine,
            }
        )
    return markdown(records)


def _of_aims(results):
    return markdown(
        [
            {"Run": stem} | cells(item)
            for stem, result in results.items()
            for item in result.rows
            if item.aim
        ]
    )


def _page(results, reasons):
    """The text of docs/results/README.md."""
    sections = {
        "Runs": _of_runs(results),
        "Aims that are missed, and why": markdown(
            notes.missed(results, reasons)
        ),
        "All aims": _of_aims(results),
    }
    parts = [f"## {title}\n\n{body}" for title, body in sections.items()]
    return "\n".join([_HEAD, *(part for part in parts if part[-1] == "\n")])


def _select(path, results):
    """Returns the table of the rows that the file `path` lists."""
    known = {
        f"{stem}/{item.name}/{item.metric}": (item, result.command)
        for stem, result in results.items()
        for item in result.rows
    }
    records = []
    for key, words in notes.read(path).items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.3)
            expected = "names `file-stem/row name/metric` of recorded rows"
            fix = f". Near names: {near}"
            fail(f"`{path.name}`", expected, repr(key), fix)
        item, command = known[key]
        record = {"What": words} | cells(item) | {"Command": f"`{command}`"}
        del record["Name"], record["Metric"]
        records.append(record)
    return markdown(records)


def recorded(root):
    """Dictionary from the stem of each recorded file to its `Result`."""
    folder = pathlib.Path(root) / "docs/results"
    return {path.stem: load(path) for path in sorted(folder.glob("*.json"))}


def render(root):
    """Renders the recorded results of a checkout; writes nothing.

    Args:
        root: Path of the folder that holds docs/results and README.md.

    Returns:
        Dictionary from the path of each page to its text. A page that has
        nothing to show and does not exist is left out.

    Raises:
        ValueError: a result file that `check` refuses, a selected row that
            does not exist, a missed aim without a cause, or a README.md
            without its two markers.
    """
    root = pathlib.Path(root)
    folder, readme = root / "docs/results", root / "README.md"
    results, pages = recorded(root), {}
    if results or (folder / "README.md").exists():
        reasons = notes.read(folder / "missed.txt")
        pages[folder / "README.md"] = _page(results, reasons)
    selected = _select(folder / "readme.txt", results)
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        pages[readme] = fill(text, "results", selected, "README.md")
    for stem, (name, markers, tables) in _TABLES.items():
        page = root / "docs" / name
        if stem in results and page.exists():
            text, body = page.read_text(encoding="utf-8"), tables(results[stem])
            pages[page] = fill(text, markers, body, f"docs/{name}")
    return pages


def stale(root):
    """Returns the pages of `render` whose files hold another text."""
    return [
        path
        for path, text in render(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _show(root, stem):
    results = recorded(root)
    if stem not in results:
        fail("`--show`", f"one of {sorted(results)}", repr(stem))
    print(text_table(results[stem].rows))


def main(argv):
    """Renders the pages, or with `--check` exits 1 where one is stale."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    root = pathlib.Path(flags.FLAGS.root)
    try:
        if flags.FLAGS.show is not None:
            return _show(root, flags.FLAGS.show)
        pages, changed = render(root), stale(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if root / "README.md" not in pages:
        print("README.md: not there, left out")
    for path in changed:
        name = path.relative_to(root).as_posix()
        if flags.FLAGS.check:
            print(f"{name} is stale: run `python -m benchmarks.pages`")
        else:
            replace_file(path, pages[path])
            print(f"{name}: rendered")
    return int(flags.FLAGS.check and bool(changed))


if __name__ == "__main__":
    # Here, and not above, so that no benchmark inherits these flags.
    flags.DEFINE_bool("check", False, "Exit 1 where a page is stale.")
    flags.DEFINE_string("root", ".", "The checkout's folder.")
    flags.DEFINE_string("show", None, "Print the rows of this run instead.")
    app.run(main)
