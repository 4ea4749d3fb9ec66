"""What might replace backpropagation: all rules on the same networks.

Trains networks by backpropagation, Lagrangian learning, feedback alignment
(random, and with the signs of the weights), direct feedback alignment,
difference target propagation and forward-forward: on digits, on the ten small
UCI sets with one and with three hidden layers, on MNIST, and LeNet on MNIST.
All rules have the same grid of rates for Adam, chosen on examples for
validation, the same epochs, folds and seeds. One training of each is looked at
closely: the angle between each layer's step and the backpropagated one, that
between weights and feedback, steps, and memory.

Run it as `python -m examples.replace_backprop`, for digits; `--study` names one
of the others, which need `--data_dir` or KERAS_BP_DATA. What is done is kept:
with `--minutes` a run ends in time, and the next one goes on from there; so
does one that ends because its memory maps run out.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib

import keras
import numpy as np
from absl import app

from examples import sweeps
from examples.replace_parts import rules
from examples.replace_parts.studies import STUDIES
from examples.replace_parts.summary import RuleSummary
from examples.replace_parts.watch import watched
from examples.store import Store
from keras_bp.training import LearningRateSweep, learning_rate_sweep

COMMAND = sweeps.Command(
    module="examples.replace_backprop",
    studies=STUDIES,
    files="mnist.npz and uci10.npz",
    folder="out/replace",
    title=lambda study, summary: f"What might replace backprop ({study.told})",
    summary=RuleSummary,
    picture="differences.png",
)
# Names of the same methods in `examples.local_learning`.
_THERE = {"backprop": "backprop", "lagrangian": "lin"}


def work(study, given, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `RuleStudy`.
        given: List of `RuleSweep`.
        names: List of names of rules.
        folder: `pathlib.Path`.
        minutes: Float, after which nothing begins, or None.

    Returns:
        Dictionary as `RuleSummary` takes it, of those that are done.
    """
    store, found = Store(folder / "watched", repr(study.epochs)), {}
    for sweep, name, passed in sweeps.in_time(given, names, minutes):
        stem = f"{sweep.name}-{sweep.depth}-{name}"
        path = folder / f"{stem}.jsonl"
        if study.reused and name in _THERE:
            there = f"{sweep.name}-{sweep.depth}-{_THERE[name]}.jsonl"
            adopt(pathlib.Path(study.reused) / there, path, _THERE[name], name)
        rate, rows = _trained(study, sweep, name, path)
        seen = None
        if sweep.name in study.watched:
            # More seeds may choose another rate.
            stem = f"{stem}-{rate:g}"
            if not store.has(stem):
                store.keep(stem, watched(name, sweep, study, rate))
            seen = store.found(stem)
        keras.backend.clear_session()
        key = sweep.name, sweep.depth
        found.setdefault(key, {})[name] = {
            "rate": rate,
            "rows": rows,
            "watched": seen,
        }
        accuracy = np.mean(
            [r["test"]["accuracy"] for r in rows if r["rate"] == rate]
        )
        print(
            f"[{passed:.1f} min] {sweep.name}, {sweep.depth} hidden, "
            f"{name}: accuracy {accuracy:.4f} at {rate:g}"
            + at_the_end(rate, study.rates),
            flush=True,
        )
    return found


def _trained(study, sweep, name, path):
    """The rate that some seeds have chosen, and rows of all seeds at it."""

    def run(rates, seeds):
        return learning_rate_sweep(
            {name: rules.make(name, sweep.network, sweep.compiled)},
            sweep.for_method(name),
            rates,
            range(seeds),
            study.epochs,
            study.batch,
            path,
        ).rows

    rows = run(study.rates, min(study.tuning_seeds or study.seeds, study.seeds))
    rate = LearningRateSweep(rows).best_rate(name)
    others = [row for row in rows if row["rate"] != rate]
    return rate, others + run((rate,), study.seeds)


def at_the_end(rate, rates):
    """A warning that a wider grid might do better, or an empty string."""
    ends = min(rates), max(rates)
    if rate not in ends or ends[0] == ends[1]:
        return ""
    return f", the {'least' if rate == ends[0] else 'largest'} tried"


def adopt(source, target, old, new):
    """Takes over rows of a sweep under another name of its method."""
    if source.exists() and not target.exists():
        text = source.read_text(encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            text.replace(f'"method": "{old}"', f'"method": "{new}"'),
            encoding="utf-8",
        )


if __name__ == "__main__":
    holders = COMMAND.define_flags()
    app.run(lambda argv: COMMAND.run(argv, holders, work))
