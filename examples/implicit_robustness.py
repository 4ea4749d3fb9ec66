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

from absl import app

from examples import sweeps
from examples.implicit_parts import methods
from examples.implicit_parts.studies import STUDIES
from examples.implicit_parts.summary import Summary
from keras_bp.training import learning_rate_sweep

COMMAND = sweeps.Command(
    module="examples.implicit_robustness",
    studies=STUDIES,
    files="mnist.npz, uci10.npz and JSB_Chorales.mat",
    folder="out/implicit",
    title=lambda study, summary: (
        f"Robustness to the learning rate ({summary.told})"
    ),
    summary=Summary,
    picture="curves.png",
)


def work(study, given, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        given: List of `Sweep`.
        names: List of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which no method begins, or None.

    Returns:
        Dictionary from the name of a sweep to a dictionary from a method to
        rows, of those that are done.
    """
    found = {}
    for sweep, name, passed in sweeps.in_time(given, names, minutes):
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


if __name__ == "__main__":
    holders = COMMAND.define_flags()
    app.run(lambda argv: COMMAND.run(argv, holders, work))
