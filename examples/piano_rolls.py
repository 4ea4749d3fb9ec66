"""Generators of piano-rolls: bits from the start, or at the end.

Trains generators of windows of four-part chorales as Wasserstein GANs: with
deterministic and stochastic binary neurons from the start ("end-to-end"), with
real values that are binarized afterwards, and with a refiner that binarizes
what a pretrained generator makes, alone ("two-stage") or together with it
("joint"), as in BinaryMuseGAN (Dong and Yang, 2018). All are measured beside
windows that were held out.

Run it as `python -m examples.piano_rolls`, for a small comparison on synthetic
chorales, or on those of JSB_Chorales.mat if --data_dir or KERAS_BP_DATA holds
it; `--config=jsb` needs it. What is done is kept: with `--minutes` a run ends
in time, and the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables
from examples.piano_roll_parts import figures
from examples.piano_roll_parts.config import CONFIGS
from examples.piano_roll_parts.data import windows
from examples.piano_roll_parts.experiment import Experiment
from examples.piano_roll_parts.summary import Summary
from examples.store import Store


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "config": flags.DEFINE_enum(
            "config", "small", sorted(CONFIGS), "What is compared."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with JSB_Chorales.mat. Default: the one that the variable "
            "KERAS_BP_DATA names, else synthetic chorales.",
        ),
        "seeds": flags.DEFINE_list(
            "seeds", None, "Which of the configuration's seeds; default all."
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No training begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir",
            None,
            "Folder of the run; default out/piano_rolls/CONFIG.",
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    name = given["config"]
    config = CONFIGS[name]
    try:
        seeds = chosen(given["seeds"], config)
        data = windows(config, given["data_dir"])
        folder = pathlib.Path(given["out_dir"] or f"out/piano_rolls/{name}")
        store = Store(folder, f"{config}\n{data.told}\n")
    except (FileNotFoundError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    print(f"Data: {data.told}.", flush=True)
    experiment = Experiment(config, data, store)
    work(experiment, seeds, given["minutes"])
    conclude(experiment, name, given["out"] or folder / "metrics.json")


def chosen(seeds, config):
    """The seeds that a list of strings names; all for None."""
    known = [str(seed) for seed in range(config.seeds)]
    if seeds is not None and not (seeds and set(seeds) <= set(known)):
        raise ValueError(
            f"This example expects --seeds to be of {', '.join(known)}. "
            f"Received: {','.join(seeds)!r}"
        )
    return [int(seed) for seed in dict.fromkeys(seeds or known)]


def work(experiment, seeds, minutes=None):
    """Does the runs that are left, as long as there is time.

    Args:
        experiment: `Experiment`.
        seeds: List of integers.
        minutes: Float, after which no run begins, or None.
    """
    begin = time.perf_counter()
    left = experiment.left(seeds)
    seconds = experiment.budget(left)
    if left:
        print(f"Training takes about {seconds / 60:.1f} min.", flush=True)
    while left:
        passed = (time.perf_counter() - begin) / 60
        if minutes is not None and passed > minutes:
            break
        print(
            f"[{len(left)} left, {passed:.1f} min] {left[0].name}", flush=True
        )
        experiment.run(left.pop(0))
    print(f"{len(left)} runs are left.")


def conclude(experiment, name, path):
    """Prints the rows, draws the picture, and writes the result."""
    summary = Summary(experiment, name)
    rows = summary.rows()
    print(tables.text_table(rows))
    folder = experiment.store.folder
    print(f"Picture: {figures.draw(summary, folder / 'piano_rolls.png')}")
    result = environment.result(
        f"Generators of piano-rolls ({experiment.windows.told})",
        f"python -m examples.piano_rolls --config={name}",
        summary.seeds(),
        summary.seconds(),
        rows,
    )
    results.write(result, path)


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
