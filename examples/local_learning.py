"""Local learning beside backpropagation, on the same networks.

Trains networks by backpropagation and by `LagrangianModel`, where layers are
constraints and nothing passes backward through them: on the ten small UCI sets
with one and with three hidden layers, on MNIST, and on digits. All methods have
the same grid of rates for Adam, chosen on examples for validation, the same
epochs, folds and seeds.

Run it as `python -m examples.local_learning`, for digits; `--study` names one
of the others, which need `--data_dir` or KERAS_BP_DATA. What is done is kept:
with `--minutes` a run ends in time, and the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables
from examples.local_parts import methods
from examples.local_parts.studies import STUDIES
from examples.local_parts.summary import Summary
from keras_bp.training import LearningRateSweep, learning_rate_sweep


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "study": flags.DEFINE_enum(
            "study", "digits", sorted(STUDIES), "What is trained."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz and uci10.npz. Default: the one that the "
            "variable KERAS_BP_DATA names.",
        ),
        "seeds": flags.DEFINE_integer(
            "seeds", None, "Number of seeds; default that of the study."
        ),
        "only": flags.DEFINE_list("only", None, "Methods; default all."),
        "minutes": flags.DEFINE_float(
            "minutes", None, "Nothing begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder of the runs; default out/local/STUDY."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def work(study, sweeps, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        sweeps: List of `Sweep`.
        names: List of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which nothing begins, or None.

    Returns:
        Dictionary from a pair, set and depth, to a dictionary from a method to
        rows, of those that are done.
    """
    begin = time.perf_counter()
    found = {}
    for sweep in sweeps:
        for name in names:
            passed = (time.perf_counter() - begin) / 60
            if minutes is not None and passed > minutes:
                print(f"Left: {sweep.name}, {sweep.depth}, {name}.", flush=True)
                continue
            rows = learning_rate_sweep(
                {name: methods.make(name, sweep.network, sweep.examples())},
                sweep.for_method(name),
                study.rates,
                range(study.seeds),
                study.epochs,
                study.batch,
                folder / f"{sweep.name}-{sweep.depth}-{name}.jsonl",
            ).rows
            keras.backend.clear_session()
            found.setdefault((sweep.name, sweep.depth), {})[name] = rows
            best = LearningRateSweep(rows)
            print(
                f"[{passed:.1f} min] {sweep.name}, {sweep.depth} hidden, "
                f"{name}: accuracy {best.best(name, 'test'):.4f} at "
                f"{best.best_rate(name):g}",
                flush=True,
            )
    return found


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    name = given["study"]
    study = STUDIES[name].with_seeds(given["seeds"])
    names = given["only"] or study.methods
    unknown = sorted(set(names) - set(study.methods))
    if unknown:
        raise app.UsageError(
            f"--only expects methods of {list(study.methods)}. "
            f"Received: {unknown}"
        )
    try:
        sweeps = study.sweeps(given["data_dir"])
    except (FileNotFoundError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    folder = pathlib.Path(given["out_dir"] or f"out/local/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    found = work(study, sweeps, names, folder, given["minutes"])
    conclude(name, study, found, folder, given["out"])


def conclude(name, study, found, folder, path=None):
    """Prints the rows, draws the picture, and writes the result."""
    summary = Summary(name, study, found)
    rows = summary.rows()
    print(tables.text_table(rows))
    print(f"Picture: {summary.draw(folder / 'differences.png')}")
    result = environment.result(
        f"Local learning ({study.told})",
        f"python -m examples.local_learning --study={name}",
        list(range(study.seeds)),
        summary.seconds(),
        rows,
    )
    results.write(result, path or folder / "metrics.json")


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
