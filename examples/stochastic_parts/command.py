"""What both examples do when they are run."""

import dataclasses
import pathlib
import time
from collections.abc import Callable

from absl import app, flags

from benchmarks import environment, results, tables
from examples.stochastic_parts import figures
from examples.stochastic_parts.config import CONFIGS
from examples.stochastic_parts.data import NoMNISTError, binarized
from examples.stochastic_parts.experiment import Experiment
from examples.stochastic_parts.summary import Summary
from examples.store import Store


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An example.

    Args:
        name: String, of the module.
        title: String.
        networks: Function from a `Config` and `Images` to the networks of an
            `Experiment`.
        measure: String, what minus the costs is.
        published: Dictionary from a network to one from an estimator to what
            is published for MNIST, a string.
        published_for: String, `"training"`, `"test"` or `"bound"`: of what.
    """

    name: str
    title: str
    networks: Callable
    measure: str
    published: dict
    published_for: str


def define_flags():
    """Defines the flags of both; returns their holders by name."""
    return {
        "config": flags.DEFINE_enum(
            "config", "small", sorted(CONFIGS), "What is compared."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz. Default: the one that the variable "
            "KERAS_BP_DATA names, else scikit-learn's small digits.",
        ),
        "seeds": flags.DEFINE_list(
            "seeds", None, "Which of the configuration's seeds; default all."
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No part begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder of the run; default out/EXAMPLE/CONFIG."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def main(argv, comparison, given):
    """Runs what is left of a comparison, and writes its result."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    name = given["config"]
    config = CONFIGS[name]
    try:
        images = binarized(config, given["data_dir"])
    except (FileNotFoundError, NoMNISTError) as error:
        raise app.UsageError(str(error)) from error
    print(f"Data: {images.told}.")
    folder = pathlib.Path(given["out_dir"] or f"out/{comparison.name}/{name}")
    experiment = Experiment(
        comparison.networks(config, images),
        config,
        images,
        Store(folder, f"{config}\n{images.told}\n"),
    )
    seeds = [int(seed) for seed in given["seeds"] or range(config.seeds)]
    work(experiment, seeds, given["minutes"])
    summary = Summary(experiment, comparison, name)
    conclude(summary, folder, given["out"] or folder / "metrics.json")


def conclude(summary, folder, path):
    """Prints the rows, draws the picture, and writes the result."""
    name, comparison = summary.name, summary.comparison
    rows = summary.rows()
    print(tables.text_table(rows))
    picture = figures.draw(summary, folder / f"{comparison.name}.png")
    print(f"Picture: {picture}")
    result = environment.result(
        f"{comparison.title} ({summary.experiment.images.told})",
        f"python -m examples.{comparison.name} --config={name}",
        range(summary.config.seeds),
        summary.seconds(),
        rows,
    )
    results.write(result, path)


def work(experiment, seeds, minutes=None):
    """Does the parts that are left, as long as there is time.

    Args:
        experiment: `Experiment`.
        seeds: List of integers.
        minutes: Float, after which no part begins, or None.
    """
    begin = time.perf_counter()
    for part in experiment.left(experiment.speeds()):
        found = experiment.run(part)
        print(f"{part.name}: {1000 * found['wall']:.2f} ms a step", flush=True)
    parts = experiment.parts(seeds)
    left = experiment.left(parts)
    seconds = experiment.budget(left)
    if seconds:
        print(f"Training takes about {seconds / 60:.0f} min.", flush=True)
    while left:
        passed = (time.perf_counter() - begin) / 60
        if minutes is not None and passed > minutes:
            break
        print(
            f"[{len(left)} left, {passed:.1f} min] {left[0].name}", flush=True
        )
        experiment.run(left.pop(0))
    print(f"{len(left)} of {len(parts)} parts are left.")
