"""Backdrop on textures of two scales, against what else is done.

Trains the network of the paper's demonstration to tell four classes of
textures apart: by the length of their small blobs, and by that of their large
ones. Masks of the gradient on a map of small cells and on one of large cells,
at several rates, stand beside training without them, dropout, spatial dropout,
and cropping. All methods have the same epochs, the same rates of Adam, of
which fresh images for validation choose one, and the same seeds; other fresh
images tell the accuracy, also that of each scale.

Run it as `python -m examples.backdrop_textures`, for 64 pixels; `--preset`
names one of the others, up to the 1024 pixels of the paper. What is done is
kept: with `--minutes` a run ends in time, and the next one goes on from there.
With KERAS_BACKEND=jax it runs on an accelerator.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import functools
import itertools
import pathlib
import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables
from examples.texture_parts import networks
from examples.texture_parts.methods import METHODS
from examples.texture_parts.studies import STUDIES
from examples.texture_parts.summary import Summary
from keras_bp.training import LearningRateSweep, learning_rate_sweep


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "preset": flags.DEFINE_enum(
            "preset", "small", sorted(STUDIES), "What is compared."
        ),
        "seeds": flags.DEFINE_integer(
            "seeds", None, "Number of seeds; default that of the preset."
        ),
        "only": flags.DEFINE_list("only", None, "Methods; default all."),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No seed begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder; default out/textures/PRESET."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def work(study, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        names: List of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which no seed begins, or None.

    Returns:
        Dictionary from the name of a task to a dictionary from a method to
        rows, of those that are done.
    """
    found, left, begin = {}, 0, time.perf_counter()

    def passed():
        return (time.perf_counter() - begin) / 60

    groups = [range(study.seeds)]
    if minutes is not None:
        # A run that is cut short has all methods at some seeds. Traced once
        # for each, they take a little longer.
        groups = [[seed] for seed in groups[0]]
    for seeds, task, name in itertools.product(groups, study.tasks, names):
        if minutes is not None and passed() > minutes:
            left += 1
            continue
        rows = _runs(study, task, name, seeds, folder)
        found.setdefault(task.name, {}).setdefault(name, []).extend(rows)
        best = LearningRateSweep(rows).best(name, "test")
        print(
            f"[{passed():.1f} min] {task.name}, {name}, seeds {list(seeds)}: "
            f"accuracy {best:.3f}",
            flush=True,
        )
    if left:
        print(f"Left: {left} of tasks, methods and seeds.", flush=True)
    return found


def _runs(study, task, name, seeds, folder):
    """Rows of all rates of some seeds, from the file where they are there."""
    make = functools.partial(networks.compiled, METHODS[name], task)
    rows = learning_rate_sweep(
        {name: make},
        task.data,
        study.rates,
        seeds,
        task.epochs,
        study.batch,
        folder / f"{_file_name(task.name)}-{_file_name(name)}.jsonl",
    ).rows
    keras.backend.clear_session()
    return rows


def _file_name(words):
    return words.replace(", ", "-").replace(" ", "_")


def conclude(name, study, found, folder, path=None):
    """Prints the rows, draws the picture, and writes the result."""
    summary = Summary(name, study, found)
    rows = summary.rows()
    print(tables.text_table(rows))
    print(f"Picture: {summary.draw(folder / 'textures.png')}")
    command = f"python -m examples.backdrop_textures --preset={name}"
    if study.seeds != STUDIES.get(name, study).seeds:
        command += f" --seeds={study.seeds}"
    result = environment.result(
        f"Backdrop on textures ({study.told})",
        command,
        summary.seeds(),
        summary.seconds(),
        rows,
    )
    results.write(result, path or folder / "metrics.json")


def run(argv, given):
    """Runs a study as far as its flags say, and concludes.

    Args:
        argv: List of arguments that are left, the program first.
        given: Dictionary from the name of a flag to its holder.
    """
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    name = given["preset"]
    study = STUDIES[name].with_seeds(given["seeds"])
    names = given["only"] or study.methods
    unknown = sorted(set(names) - set(study.methods))
    if unknown:
        raise app.UsageError(
            f"--only expects methods of {list(study.methods)}. "
            f"Received: {unknown}"
        )
    folder = pathlib.Path(given["out_dir"] or f"out/textures/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    found = work(study, names, folder, given["minutes"])
    if found:
        conclude(name, study, found, folder, given["out"])


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: run(argv, holders))
