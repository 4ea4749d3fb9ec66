"""What attribution maps show: the image, the class, or noise.

The experiments of Nie, Zhang and Patel (2018) on real images: random and
trained networks, with and without pooling, of one to sixteen layers and of few
and many filters; without local connections; and before an adversary. Each
finding of the paper becomes a row: the claim, what was measured, what it is
held to, and whether it holds.

Run it as `python -m examples.visualization_theory`, for digits, which takes
about a minute; `--images=photographs` for crops of scikit-learn's photographs,
and `--preset=paper` for the sizes of the paper.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import dataclasses
import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables
from examples.store import Store
from examples.visualization_parts import data, experiments, figures
from examples.visualization_parts.config import CONFIGS
from examples.visualization_parts.summary import Summary

_POOLS = (None, "max", "average")


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "images": flags.DEFINE_enum(
            "images", "digits", ["digits", "photographs"], "The images."
        ),
        "preset": flags.DEFINE_enum(
            "preset", "small", sorted(CONFIGS), "The sizes."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz; default the digits of scikit-learn.",
        ),
        "seeds": flags.DEFINE_integer(
            "seeds", None, "Number of seeds; default that of the preset."
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "Nothing begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder; default out/visualization/IMAGES-PRESET."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def experiments_of(images, config, seed):
    """Dictionary from a name to a function that runs an experiment."""
    settings = {
        "depth": config.depth,
        "filters": config.trained_filters,
        "epochs": config.epochs,
        "count": config.count,
        "epsilons": config.epsilons,
    }
    return {
        "random": lambda: experiments.random_depths(
            images, config.depths, config.filters, _POOLS, config.count, seed
        ),
        "filters": lambda: experiments.filters(
            images, config.numbers, config.few, seed
        ),
        "limit": lambda: experiments.limit(images, config.count),
        "connections": lambda: experiments.connections(
            images, config.units, config.filters, config.few, seed
        ),
        "none": lambda: experiments.learned(images, None, settings, seed),
        "max": lambda: experiments.learned(images, "max", settings, seed),
    }


def work(images, config, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        images: `data.Images`.
        config: `config.Config`.
        folder: Path.
        minutes: Float, or None.

    Returns:
        List of dictionaries, one for each seed that is complete, and the
        seconds that all experiments took.
    """
    told = dataclasses.replace(config, seeds=0)
    store = Store(folder, f"{images.name}, {told}\n")
    begin, found, seconds = time.perf_counter(), [], 0.0
    for seed in range(config.seeds):
        own = {}
        for name, run in experiments_of(images, config, seed).items():
            key = f"{name}-{seed}"
            known = store.found(key)
            if known is None:
                passed = (time.perf_counter() - begin) / 60
                if minutes is not None and passed > minutes:
                    print(f"Left: {key}.", flush=True)
                    continue
                start = time.perf_counter()
                known = run()
                store.keep(f"{key}-seconds", time.perf_counter() - start)
                store.keep(key, known)
                print(f"[{passed:.1f} min] {key}", flush=True)
            own[name] = known
            seconds += store.found(f"{key}-seconds")
        if len(own) == len(experiments_of(images, config, seed)):
            found.append(own)
    return found, seconds


def main(argv, holders):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in holders.items()}
    config = CONFIGS[given["preset"]]
    if given["seeds"] is not None:
        config = dataclasses.replace(config, seeds=given["seeds"])
    if given["images"] == "photographs":
        images = data.photographs()
    else:
        images = data.digits(given["data_dir"])
    folder = pathlib.Path(
        given["out_dir"]
        or f"out/visualization/{images.name.lower()}-{given['preset']}"
    )
    found, seconds = work(images, config, folder, given["minutes"])
    if not found:
        print("No seed is complete yet.")
        return
    summary = Summary(images.name, config, found)
    rows = summary.rows()
    print(tables.text_table(rows))
    for picture in (
        figures.draw_maps(images, config, folder / "maps.png"),
        figures.draw_distances(summary, folder / "distances.png"),
    ):
        print(f"Picture: {picture}")
    result = environment.result(
        f"What attribution maps show ({images.name})",
        "python -m examples.visualization_theory "
        f"--images={given['images']} --preset={given['preset']}",
        list(range(len(found))),
        seconds,
        rows,
    )
    results.write(result, given["out"] or folder / "metrics.json")


if __name__ == "__main__":
    flag_holders = define_flags()
    app.run(lambda argv: main(argv, flag_holders))
