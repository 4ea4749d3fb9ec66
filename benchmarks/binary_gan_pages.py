"""Tables of docs/binary_gan.md, from the rows of `examples.binary_gan`."""

import re

from benchmarks.results import fail
from benchmarks.tables import digits, markdown

# Metrics by the heading of their column.
_MEASURES = {
    "Distance": "Frechet distance of features",
    "Coverage": "coverage",
    "Score of 64": "score, mean of batches of 64",
    "Isolated pixels": "isolated pixels, 4 neighbors",
    "Components": "components, 8-connected",
}
# What the published grids and histograms can be asked for.
_PUBLISHED = {
    "Isolated pixels": "isolated pixels, 4 neighbors",
    "Components": "components, 8-connected",
    "On-pixels": "share of on-pixels",
    "Classes": "classes among 64 samples, expected",
    "Score of 64": "score, mean of batches of 64",
    "First bin": "probabilities below 1/255",
    "Last bin": "probabilities of 1",
    "Notch": "depth of the notch at 0.5",
}
_TEST = "mnist/test images"
_NAME = re.compile(
    r"mnist/(?P<networks>\w+), (?P<objective>[\w-]+), (?P<end>\w+), "
    r"(?P<variant>\w+)(, (?P<cut>\w+))?, (?P<epochs>\d+) epochs"
)
_ORDER = ("mlp wgan-gp", "mlp wgan", "mlp gan", "cnn wgan-gp")


def tables(result):
    """What was measured, and what is published beside it, as Markdown."""
    by_name = {}
    for row in result.rows:
        by_name.setdefault(row.name, {})[row.metric] = row
    runs = [
        (_parsed(name), rows)
        for name, rows in by_name.items()
        if _MEASURES["Distance"] in rows and name != _TEST
    ]
    histograms = {
        name: rows
        for name, rows in by_name.items()
        if _PUBLISHED["First bin"] in rows
    }
    runs.sort(key=lambda run: (_place(run[0]), _distance(run[1])))
    parts = [
        markdown([_test(by_name[_TEST]), *(_line(*run) for run in runs)]),
        "And in parentheses what is published: a grid of 64 images of each, "
        "and the first and the last of 256 bins of Fig. 4.",
        markdown([x for x in (_beside(*r, histograms) for r in runs) if x]),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _parsed(name):
    found = _NAME.fullmatch(name)
    if not found:
        fail("docs/binary_gan.md", "names of runs", repr(name))
    return found


def _place(run):
    name = f"{run['networks']} {run['objective']}"
    # Others stand at the end.
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _distance(rows):
    return rows[_MEASURES["Distance"]].value


def _test(rows):
    return {
        "Networks": "test images",
        "Objective": "",
        "End": "",
        "Run": "",
        "Epochs": "",
        **{name: _told(rows.get(x)) for name, x in _MEASURES.items()},
    }


def _line(run, rows):
    # The error of one run's images would look like a range of seeds.
    several = rows[_MEASURES["Distance"]].low is not None
    return _names(run) | {
        name: _told(rows.get(metric), several)
        for name, metric in _MEASURES.items()
    }


def _names(run):
    cut = f", {run['cut']}" if run["cut"] else ""
    return {
        "Networks": run["networks"].upper(),
        "Objective": run["objective"],
        "End": f"{run['end']}{cut}",
        "Run": run["variant"],
        "Epochs": run["epochs"],
    }


def _told(row, several=False):
    if row is None:
        return ""
    text = digits(row.value)
    if several and row.low is not None:
        text += f" ({digits(row.low)} to {digits(row.high)})"
    return text


def _beside(run, rows, histograms):
    """Values beside published ones, or None where there are none."""
    if run["variant"] not in ("paper", "published"):
        return None
    # A histogram belongs to a generator, whatever cuts its probabilities.
    named = run.string.replace(f", {run['cut']}", "")
    known = histograms.get(named, {}) | rows
    found = {}
    for name, metric in _PUBLISHED.items():
        row = known.get(metric)
        shown = row is not None and row.against is not None
        published = _published(row) if shown else None
        found[name] = (
            "" if published is None else f"{digits(row.value)} ({published})"
        )
    return _names(run) | found if any(found.values()) else None


def _published(row):
    if row.against_value is not None:
        return digits(row.against_value)
    # Where an aim is set for a value, the words tell what is published.
    return digits(float(row.against.rpartition("(")[2].rstrip(")")))
