"""Cost per step of each gradient estimator, against plain backpropagation.

One network, a linear sigmoid belief network of 784 pixels and 200 bits, in
one run: with means in place of bits, with each estimator of
`keras_bp.layers.StochasticNode` in graph mode and under XLA, and in PyTorch
with each method of Storchastic that has a namesake. Beside the time of an
estimator stands its limit, the time of plain backpropagation through as many
evaluations as the estimator needs. Then all of them are compared with the
exact gradient of a small network, since speed is of use for equal results.

Run it as `python -m benchmarks.estimators`, in the environment that
`make rivals` makes; without Storchastic its rows are left out.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import dataclasses
import time

import keras
import tensorflow as tf
from absl import app, flags

from benchmarks import (
    environment,
    estimators_cases,
    estimators_networks,
    estimators_rivals,
    results,
    tables,
)

_PARTS = flags.DEFINE_list("parts", ["speed", "agreement"], "What to run.")
flags.register_validator(
    _PARTS,
    lambda parts: set(parts) <= {"speed", "agreement"},
    message="expects parts of speed, agreement",
)
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")
_ROUNDS = flags.DEFINE_integer(
    "rounds", 15, "How often each is timed.", lower_bound=1
)
_THREADS = flags.DEFINE_integer(
    "threads", 1, "Threads of each package.", lower_bound=1
)
_QUICK = flags.DEFINE_bool(
    "quick", False, "Three estimators and few rounds, to see that it runs."
)


def _plan(rounds, quick):
    if quick:
        return estimators_cases.Plan(
            names=("score", "disarm", "gumbel"),
            rounds=2,
            seconds_per_round=0.02,
            repeats=20,
        )
    return estimators_cases.Plan(
        names=tuple(estimators_networks.ESTIMATORS), rounds=rounds
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS.value)
    keras.utils.set_random_seed(0)
    begin = time.perf_counter()
    plan = _plan(_ROUNDS.value, _QUICK.value)
    rival = estimators_rivals.installed(_THREADS.value)
    rows = []
    for part in _PARTS.value:
        print(f"Running {part}.", flush=True)
        rows += getattr(estimators_cases, part)(plan, rival)
    print(tables.text_table(rows))
    result = environment.result(
        f"Gradient estimators, {_THREADS.value} thread"
        + "s" * (_THREADS.value > 1),
        "python -m benchmarks.estimators" + " --quick" * _QUICK.value,
        [0],
        time.perf_counter() - begin,
        rows,
    )
    versions = {**result.versions, **estimators_rivals.versions()}
    if _OUT.value:
        results.write(
            dataclasses.replace(result, versions=versions), _OUT.value
        )


if __name__ == "__main__":
    app.run(main)
