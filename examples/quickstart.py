"""The main job, end to end, on real input.

Trains a classifier with binary neurons and a gradient mask, saves it and loads
it in a fresh process; draws saliency, guided and DeconvNet maps of a trained
network; learns a fixed-point equalizer for a fiber and runs it on LiteRT,
sample-exact. Writes report.html, quickstart.png and metrics.json.

Run it as `make quickstart`, with flags in ARGS="...", or, where the package is
installed in place, as `python examples/quickstart.py`.
"""

import pathlib
import sys
import time

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import keras
import numpy as np
from absl import app, flags

from benchmarks import environment, results, tables
from examples import quickstart_parts, report
from keras_bp.datasets import load_digits

_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder with mnist.npz. Default: the one that the variable KERAS_BP_DATA "
    "names, else scikit-learn's small digits.",
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", "out/quickstart", "Folder for the report."
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of everything random.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
_FULL = flags.DEFINE_bool("full", False, "Train on all images, and for longer.")

_HEADER = (
    "Part",
    "Measure",
    "Value",
    "Against",
    "Ratio",
    "Aim",
    "Verdict",
    "Seconds",
)


def _data():
    """The digits; without --full, of MNIST a part that trains in seconds."""
    try:
        (x, y), test = load_digits(_DATA_DIR.value)
    except FileNotFoundError as error:
        raise app.UsageError(str(error)) from error
    if not _FULL.value:
        x, y = x[:12_000], y[:12_000]
        test = tuple(part[:2_000] for part in test)
    height, width = x.shape[1:3]
    kind = "MNIST" if height == 28 else "scikit-learn's digits"
    told = f"{kind}, {len(x):,} training images of {height}x{width}"
    print(f"Data: {told}.")
    return (x, y), test, told


def _command():
    """The command of this run, with the flags that were given."""
    given = [
        f"--{flag.name}={flag.value}"
        for flag in (_SEED, _FULL)
        if flag.value != flag.default
    ]
    return " ".join(["python examples/quickstart.py", *given])


def _folder():
    out_dir = pathlib.Path(_OUT_DIR.value)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise app.UsageError(
            f"--out_dir names no folder that can be made: {error}"
        ) from error
    return out_dir


def _lines(parts):
    """The rows as cells, with the seconds of each part at its first row."""
    for part in parts:
        for index, row in enumerate(part.rows):
            shown = tables.cells(row)
            yield (
                row.name,
                row.metric,
                shown["Value"].strip(),
                shown["Against"],
                shown["Ratio"],
                shown["Aim"],
                row.verdict,
                f"{part.seconds:.1f}" if index == 0 else "",
            )


def _print_table(lines):
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(map(str.ljust, cells, widths)).rstrip())


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    begin = time.perf_counter()
    train, test, data = _data()
    out_dir = _folder()
    keras.utils.set_random_seed(_SEED.value)
    run = quickstart_parts.Run(out_dir, _SEED.value, _FULL.value)
    parts = [
        quickstart_parts.binary_classifier(run, train, test),
        quickstart_parts.attribution_maps(run, train, test),
        quickstart_parts.fiber_equalizer(run),
    ]
    seconds = time.perf_counter() - begin
    lines = [_HEADER, *_lines(parts)]
    report.write(
        out_dir / "report.html",
        title="keras_bp quickstart",
        intro=__doc__.split("\n\n")[1].replace("\n", " "),
        header=lines[0],
        lines=lines[1:],
        sections=[part.section for part in parts],
        machine=environment.machine(),
        versions=environment.versions(),
        data=data,
        seed=_SEED.value,
        command=_command(),
    )
    quickstart_parts.draw_summary(out_dir / "quickstart.png", parts)
    result = environment.result(
        f"Quickstart ({data})",
        _command(),
        [_SEED.value],
        seconds,
        [row for part in parts for row in part.rows],
    )
    results.write(result, out_dir / "metrics.json")
    print()
    _print_table(lines)
    print(f"\n{seconds:.0f} s in all. Open {out_dir / 'report.html'}")
    missed = [row for row in result.rows if row.verdict == "miss"]
    for row in missed:
        print(f"Missed: {row.name}, {row.metric}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    np.set_printoptions(precision=4)
    app.run(main)
