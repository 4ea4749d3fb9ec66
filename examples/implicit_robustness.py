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
the next one goes on from there. Seeds of a method are run by as many processes
as there are cores, or by `--workers`, which may be `ray`.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import functools

from absl import app

from examples import fan_out, sweeps
from examples.implicit_parts import apart, methods
from examples.implicit_parts.studies import STUDIES, sweeps_of
from examples.implicit_parts.summary import Summary

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


def work(study, given, names, folder, minutes=None, fan=None, make=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        given: List of `Sweep`.
        names: List of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which no method begins, or None.
        fan: `fan_out.FanOut`, or None for this process alone.
        make: Tuple of a function that makes `given`, which other processes
            can import, and its arguments; of no use without `fan`.

    Returns:
        Dictionary from the name of a sweep to a dictionary from a method to
        rows, of those that are done.
    """
    done = None
    if fan is not None and not fan.is_alone:
        done = apart.fill(fan, make, given, names, study, folder)
        minutes = None
    found = {}
    for sweep, name, passed in sweeps.in_time(given, names, minutes):
        if done is not None and (sweep.name, name) not in done:
            continue
        rates = methods.rates(name, study.grid)
        path = apart.path_of(folder, sweep, name)
        made = apart.swept(sweep, name, rates, range(study.seeds), path)
        found.setdefault(sweep.name, {})[name] = made.rows
        best = made.by(study.metric)
        print(
            f"[{passed:.1f} min] {sweep.name}, {name}: "
            f"{study.metric} {best.best(name):.4f} at "
            f"{best.best_rate(name):g}",
            flush=True,
        )
    return found


def main(argv, given, workers):
    """Runs a study by as many processes as its flags say."""
    fan = fan_out.FanOut(workers.value, given["minutes"].value)
    make = (sweeps_of, given["study"].value, given["data_dir"].value)
    COMMAND.run(argv, given, functools.partial(work, fan=fan, make=make))
    fan.raise_if_failed()


if __name__ == "__main__":
    holders = COMMAND.define_flags()
    workers_holder = fan_out.define_flag()
    app.run(lambda argv: main(argv, holders, workers_holder))
