"""How well must the learning rate be known? Implicit steps against others.

Trains the same networks over six decades of learning rate by plain and by
clipped stochastic gradient descent, by Adam, and by the rules of
`make_implicit`, each with one setting for all sets and rates: an MLP on MNIST
with ReLU and with arctan units, the ten small UCI sets with three arctan
layers, the convolutional network of Fagan and Iyengar (1808.02433), and their
recurrent one on chorales. Rates are chosen on examples for validation.

Run it as `python -m examples.implicit_robustness`, for a small comparison on
digits; `--study` names one of the others, which need `--data_dir` or
KERAS_BP_DATA. What is done is kept: with `--minutes` a run ends in time, and
the next one goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables
from examples.implicit_parts import methods
from examples.implicit_parts.studies import STUDIES
from examples.implicit_parts.summary import Summary
from keras_bp.training import learning_rate_sweep


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "study": flags.DEFINE_enum(
            "study", "digits", sorted(STUDIES), "What is compared."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz, uci10.npz and JSB_Chorales.mat. Default: "
            "the one that the variable KERAS_BP_DATA names; without, digits "
            "and chorales are those that come with the packages.",
        ),
        "seeds": flags.DEFINE_integer(
            "seeds", None, "Number of seeds; default that of the study."
        ),
        "only": flags.DEFINE_list("only", None, "Methods; default all."),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No method begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder of the runs; default out/implicit/STUDY."
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
        minutes: Float, after which no method begins, or None.

    Returns:
        Dictionary from the name of a sweep to a dictionary from a method to
        rows, of those that are done.
    """
    begin = time.perf_counter()
    found = {}
    for sweep in sweeps:
        for name in names:
            passed = (time.perf_counter() - begin) / 60
            if minutes is not None and passed > minutes:
                print(f"Left: {sweep.name}, {name}.", flush=True)
                continue
            file = f"{sweep.name}-{name}.jsonl".replace(", ", "-")
            made = learning_rate_sweep(
                {name: methods.make(name, sweep.network, sweep.loss)},
                sweep.data,
                methods.rates(name, study.grid),
                range(study.seeds),
                sweep.epochs,
                sweep.batch,
                folder / file,
            )
            found.setdefault(sweep.name, {})[name] = made.rows
            best = made.by(study.metric)
            print(
                f"[{passed:.1f} min] {sweep.name}, {name}: "
                f"{study.metric} {best.best(name):.4f} at "
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
    folder = pathlib.Path(given["out_dir"] or f"out/implicit/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    found = work(study, sweeps, names, folder, given["minutes"])
    conclude(name, study, found, folder, given["out"])


def conclude(name, study, found, folder, path=None):
    """Prints the rows, draws the picture, and writes the result."""
    summary = Summary(name, study, found)
    rows = summary.rows()
    print(tables.text_table(rows))
    print(f"Picture: {summary.draw(folder / 'curves.png')}")
    result = environment.result(
        f"Robustness to the learning rate ({summary.told})",
        f"python -m examples.implicit_robustness --study={name}",
        list(range(study.seeds)),
        summary.seconds(),
        rows,
    )
    results.write(result, path or folder / "metrics.json")


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
