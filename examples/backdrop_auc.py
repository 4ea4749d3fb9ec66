"""Ranking with few positives: whole sets with Backdrop, or mini-batches.

Trains one small network to rank a rare class above the others: by the area
under the ROC curve as a loss (`PairwiseAUC`) over the whole set at once, with
`BackdropMask` at the head, which leaves the gradient of some samples only; by
the same loss on mini-batches; by cross-entropy on mini-batches; and by LibAUC,
if that and PyTorch can be imported. Compared are areas for testing after equal
passes over the data and after equal time, at the learning rate that validation
chose, on grids of one size.

The scale at which a whole set could pay is that of few positives: of 1 % in
batches of 32, seven of ten have none, and so no pair.

Run it as `python -m examples.backdrop_auc`, for digits; `--study` names one
of the others, which may need `--data_dir` or KERAS_BP_DATA. What is done is
kept: with `--minutes` a run ends in time, and the next one goes on from there,
also in an environment with LibAUC (`pip install --no-deps libauc==2.0.1`).
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import keras
from absl import app

from examples import store, sweeps
from examples.backdrop_auc_parts import libauc_session, methods, training
from examples.backdrop_auc_parts.studies import STUDIES
from examples.backdrop_auc_parts.summary import Summary

COMMAND = sweeps.Command(
    module="examples.backdrop_auc",
    studies=STUDIES,
    files="mnist.npz and uci10.npz",
    folder="out/backdrop_auc",
    title=lambda study, summary: f"Backdrop for ranking ({study.told})",
    summary=Summary,
    picture="areas.png",
)


def work(study, problems, names, folder, minutes=None):
    """Runs what is left, as long as there is time.

    Args:
        study: `Study`.
        problems: List of `data.Problem`.
        names: Sequence of names of methods.
        folder: `pathlib.Path`.
        minutes: Float, after which nothing begins, or None.

    Returns:
        Dictionary from problems to a dictionary with their `"seconds"`, the
        equal time, and `"runs"`: a dictionary from a method to a list of
        dictionaries with `"seed"`, `"rate"` and `"points"`. Methods that were
        finished before are there, too.
    """
    kept = store.Store(folder, study.content())
    skipped = libauc_session.missing()
    if skipped and methods.LIBAUC in names:
        print(f"Skipped: {methods.LIBAUC} ({skipped}).", flush=True)
        names = [name for name in names if name != methods.LIBAUC]
    for problem, name, passed in sweeps.in_time(problems, names, minutes):
        _run(study, problem, name, kept)
        print(f"[{passed:.1f} min] {problem.name}, {name}", flush=True)
    found = {}
    for problem in problems:
        runs = {
            name: rows
            for name in study.methods
            if (rows := _rows(study, problem, name, kept)) is not None
        }
        if runs:
            seconds = _equal_time(problem, kept)
            found[problem] = {"seconds": seconds, "runs": runs}
    return found


def _key(problem, name, seed):
    return f"{problem.name}-{name}-{seed}".replace(" ", "_")


def _rows(study, problem, name, kept):
    """What is kept of a method, or None if a seed is missing."""
    found = [
        kept.found(_key(problem, name, seed)) for seed in range(study.seeds)
    ]
    return None if None in found else sum(found, [])


def _equal_time(problem, kept):
    """Seconds of the processor that cross-entropy takes for the epochs."""
    rows = kept.found(_key(problem, methods.CROSSENTROPY, 0))
    if rows is None:
        return None
    # The fastest, for there may be other work on the machine.
    return min(row["points"][-1]["seconds"] for row in rows)


def _run(study, problem, name, kept):
    seconds = _equal_time(problem, kept)
    if seconds is None and name != methods.CROSSENTROPY:
        raise app.UsageError(
            f"--only expects {methods.CROSSENTROPY} first, whose time is that "
            f"of the others. Received: {name}"
        )
    left = [
        seed
        for seed in range(study.seeds)
        if not kept.has(_key(problem, name, seed))
    ]
    if not left:
        return
    features = problem.parts(0)["train"][0].shape[1]
    session = methods.session(name, features, left)
    for seed in left:
        parts, rows = problem.parts(seed), []
        for rate in study.rates:
            points = training.curve(
                session, name, seed, rate, parts, study, seconds or 0.0
            )
            rows.append({"seed": seed, "rate": rate, "points": points})
        kept.keep(_key(problem, name, seed), rows)
    keras.backend.clear_session()


if __name__ == "__main__":
    holders = COMMAND.define_flags()
    app.run(lambda argv: COMMAND.run(argv, holders, work))
