"""Renders the recorded results into docs/results/README.md and README.md.

Run it as `python -m benchmarks.pages`; `--check` says which page is stale.
"""

import difflib
import pathlib
import re
import sys

from absl import app, flags

from benchmarks.results import fail, load, replace_file
from benchmarks.tables import cells, digits, markdown, table

_BEGIN, _END = "<!-- results:begin -->", "<!-- results:end -->"


def _section(stem, result):
    found = ", ".join(f"{k} {v}" for k, v in sorted(result.versions.items()))
    seeds = ", ".join(map(str, result.seeds)) or "none"
    return (
        f"## {result.name}\n\n```bash\n{result.command}\n```\n\n"
        f"{table(result.rows)}\n"
        f"Machine: {result.machine}. Versions: {found}. Seeds: {seeds}. "
        f"Time: {digits(result.seconds)} s. File: "
        f"[{stem}.json]({stem}.json).\n"
    )


def _select(path, results):
    """Returns the table of the rows that the file `path` lists."""
    known = {
        f"{stem}/{item.name}/{item.metric}": (item, result.command)
        for stem, result in results.items()
        for item in result.rows
    }
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    records = []
    lines = map(str.strip, text.splitlines())
    for key in (x for x in lines if x and not x.startswith("#")):
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.3)
            expected = "lines `file-stem/row name/metric` of recorded rows"
            fix = f". Near names: {near}"
            fail(f"`{path.name}`", expected, repr(key), fix)
        item, command = known[key]
        records.append(cells(item) | {"Command": f"`{command}`"})
    return markdown(records)


def render(root):
    """Renders the recorded results of a checkout; writes nothing.

    Args:
        root: Path of the folder that holds docs/results and README.md.

    Returns:
        Dictionary from the path of each page to its text. A page that has
        nothing to show and does not exist is left out.

    Raises:
        ValueError: a result file that `check` refuses, a selected row that
            does not exist, or a README.md without its two markers.
    """
    root = pathlib.Path(root)
    folder, readme = root / "docs/results", root / "README.md"
    results = {path.stem: load(path) for path in sorted(folder.glob("*.json"))}
    pages = {}
    if results or (folder / "README.md").exists():
        head = "# Results\n\nRendered from the files of this folder by "
        head += "`python -m benchmarks.pages`.\n"
        sections = [_section(*item) for item in results.items()]
        pages[folder / "README.md"] = "\n".join([head, *sections])
    selected = _select(folder / "readme.txt", results)
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        parts = re.split(f"({_BEGIN}|{_END})", text)
        if parts[1::2] != [_BEGIN, _END]:
            expected = f"`{_BEGIN}` and then `{_END}`, once each"
            fail("README.md", expected, parts[1::2])
        gap = "\n\n" if selected else "\n"
        parts[2] = gap + selected + gap[1:]
        pages[readme] = "".join(parts)
    return pages


def stale(root):
    """Returns the pages of `render` whose files hold another text."""
    return [
        path
        for path, text in render(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(argv):
    """Renders the pages, or with `--check` exits 1 where one is stale."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    root = pathlib.Path(flags.FLAGS.root)
    try:
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
    app.run(main)
