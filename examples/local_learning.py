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

import keras
from absl import app

from examples import sweeps
from examples.local_parts import methods
from examples.local_parts.studies import STUDIES
from examples.local_parts.summary import Summary
from keras_bp.training import LearningRateSweep, learning_rate_sweep

COMMAND = sweeps.Command(
    module="examples.local_learning",
    studies=STUDIES,
    files="mnist.npz and uci10.npz",
    folder="out/local",
    title=lambda study, summary: f"Local learning ({study.told})",
    summary=Summary,
    picture="differences.png",
)


def work(study, given, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        given: List of `Sweep`.
        names: List of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which nothing begins, or None.

    Returns:
        Dictionary from a pair, set and depth, to a dictionary from a method to
        rows, of those that are done.
    """
    found = {}
    for sweep, name, passed in sweeps.in_time(given, names, minutes):
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


if __name__ == "__main__":
    holders = COMMAND.define_flags()
    app.run(lambda argv: COMMAND.run(argv, holders, work))
