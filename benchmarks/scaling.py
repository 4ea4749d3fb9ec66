"""Train steps on two worker processes, and what that tells of many.

Each step of the package, with half of a batch on each of two processes that
meet by `MultiWorkerMirroredStrategy` over loopback, against one process with
the whole batch, in turns; each process has a core of its own, so that twice
the speed is the most. All-reduced bytes are those of the traced step; bytes
that are sent are those that Linux has counted at the sockets of a worker, with
what gRPC and the logs of a step add. docs/scaling.md holds the tables, and
`benchmarks.scaling_model` the model of more workers.

Run it as `python -m benchmarks.scaling`; `--out` records the result, and
`--only` takes the methods whose names hold a word.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import statistics

from absl import app

from benchmarks import parts as benchmark
from benchmarks import results
from benchmarks import scaling_pages as metrics
from benchmarks.scaling_cases import METHODS, find
from benchmarks.scaling_worker import Cluster

_SECONDS_PER_ROUND = 0.3


class Bench:
    """The processes, which begin with the first method.

    Args:
        find: Function as `scaling_cases.find`.
    """

    def __init__(self, find):
        self._find, self._clusters = find, []

    def rows(self, name, rounds):
        """What is measured of a method.

        Args:
            name: String.
            rounds: Integer, how often each is timed.

        Returns:
            List of `results.Row`.
        """
        if not self._clusters:
            cores = _cores()
            self._clusters = [Cluster(cores[:1]), Cluster(cores)]
        one, two = self._clusters
        examples = self._find(name).batch
        two.ask("make", "whole", self._find, name, examples)
        one.do("make", "whole", self._find, name, examples)
        one.do("make", "half", self._find, name, examples // 2)
        found = two.answer()
        took = _timed(
            {
                "whole": (one, "whole"),
                "half": (one, "half"),
                "two": (two, "whole"),
            },
            rounds,
        )
        sent = two.do("sent", "whole", 5)
        one.do("forget")
        two.do("forget")
        return rows_of(name, examples, took, {**found, "sent": sent})

    def end(self):
        for cluster in self._clusters:
            cluster.end()


def _cores():
    """A core for each of two workers, the same if there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return [None, None]
    cores = sorted(os.sched_getaffinity(0))
    return [cores[0], cores[1 % len(cores)]]


def _timed(steps, rounds):
    """Seconds of a step, of all in turns.

    Args:
        steps: Dictionary from a name to a cluster and a key.
        rounds: Integer.

    Returns:
        Dictionary from the name to a list of floats.
    """
    calls, found = {}, {name: [] for name in steps}
    for name, (cluster, key) in steps.items():
        once = cluster.do("seconds", key, 2)
        calls[name] = max(2, round(_SECONDS_PER_ROUND / once))
    for _ in range(rounds):
        for name, (cluster, key) in steps.items():
            found[name].append(cluster.do("seconds", key, calls[name]))
    return found


def rows_of(name, examples, took, found):
    """The rows of one method.

    Args:
        name: String.
        examples: Integer, of all workers together.
        took: Dictionary from `"whole"`, `"half"` and `"two"` to seconds of a
            step, one for each round.
        found: Dictionary with `"weights"`, `"bytes"`, `"reductions"`,
            `"gathers"`, and `"sent"`, which may be None.

    Returns:
        List of `results.Row`.
    """

    def speed(key):
        return [examples / seconds for seconds in took[key]]

    def row(metric, value, unit, **arguments):
        return results.row(name, metric, value, unit, **arguments)

    rows = [row(metrics.EXAMPLES, examples, "")]
    for metric, key in ((metrics.WHOLE, "whole"), (metrics.HALF, "half")):
        ms = [1e3 * seconds for seconds in took[key]]
        rows.append(row(metric, statistics.median(ms), "ms", samples=ms))
    rows.append(
        row(
            metrics.SPEED,
            statistics.median(speed("two")),
            "1/s",
            samples=speed("two"),
            against="one process",
            against_value=statistics.median(speed("whole")),
        )
    )
    reduced = found["bytes"] / 2**10
    rows += [
        row(
            metrics.REDUCED,
            reduced,
            "KiB",
            against="trainable weights",
            against_value=found["weights"] / 2**10,
        ),
        row(metrics.REDUCTIONS, found["reductions"], ""),
        row(metrics.GATHERS, found["gathers"], ""),
    ]
    if found["sent"] is not None:
        rows.append(
            row(
                metrics.SENT,
                found["sent"] / 2**10,
                "KiB",
                against="all-reduced",
                against_value=reduced,
            )
        )
    return rows


def main(argv, given, names=tuple(METHODS), find=find):
    bench = Bench(find)

    def parts(rounds):
        return {
            name: lambda name=name: bench.rows(name, rounds) for name in names
        }

    try:
        benchmark.run(
            argv,
            given,
            parts,
            "Train steps on two workers",
            "python -m benchmarks.scaling --rounds=7",
        )
    finally:
        bench.end()


if __name__ == "__main__":
    holders = benchmark.define_flags()
    app.run(lambda argv: main(argv, benchmark.values(holders)))
