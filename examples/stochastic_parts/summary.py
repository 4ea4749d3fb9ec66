"""What a comparison gave, as rows of results."""

import numpy as np

from benchmarks import results
from examples.stochastic_parts.config import ESTIMATORS
from examples.stochastic_parts.experiment import Part
from examples.stochastic_parts.variance import (
    log_interval,
    log_ratio_interval,
)
from keras_bp.ops import get_node_estimator

# Those that should have a lower variance than the score function whatever
# the cost, as they compare two of its values.
_LOWER = ("rloo", "disarm")


class Summary:
    """Reads what an `Experiment` has kept.

    Args:
        experiment: `Experiment`.
        comparison: `Comparison`.
        name: String, the configuration.
    """

    def __init__(self, experiment, comparison, name):
        self.experiment, self.comparison = experiment, comparison
        self.config, self.name = experiment.config, name

    def runs(self, network, estimator):
        """The histories of all seeds that have been trained."""
        return self._found(
            Part("training", network, estimator, seed)
            for seed in range(self.config.seeds)
        )

    def distances(self, network, estimator, step):
        """See `half_square_distances`; None where they were not measured."""
        part = Part("variance", network, estimator, step)
        found = self._found([part])
        return found[0]["distances"] if found else None

    def _found(self, parts):
        store = self.experiment.store
        return [store.found(x.name) for x in parts if store.has(x.name)]

    def seconds(self):
        """Of all runs together."""
        experiment = self.experiment
        parts = experiment.speeds() + experiment.parts(range(self.config.seeds))
        return sum(found["seconds"] for found in self._found(parts))

    def curve(self, network, estimator, key):
        """Arrays: evaluations by seed of `key`, and seconds of one core."""
        runs = self.runs(network, estimator)
        core = [np.cumsum(_without_compiling(run["core"])) for run in runs]
        return np.array([run[key] for run in runs]), np.array(core)

    def rows(self):
        """All rows of results."""
        found = [self._evaluations(estimator) for estimator in ESTIMATORS]
        for network in self.experiment.networks:
            for estimator in ESTIMATORS:
                if self.runs(network, estimator):
                    found += self._training(network, estimator)
        for network in self.experiment.networks:
            for step in self.config.checkpoints:
                for estimator in ESTIMATORS:
                    found += self._variance(network, estimator, step)
        return found

    def _row(self, where, metric, value, unit="", **arguments):
        return results.row(
            f"{self.name}/{where}", metric, value, unit, **arguments
        )

    def _evaluations(self, estimator):
        arguments = ESTIMATORS[estimator]
        rule = get_node_estimator(arguments["estimator"], "bernoulli")
        count = arguments.get("samples", 1) * (1 + rule.evaluations)
        return self._row(estimator, "evaluations of the costs per node", count)

    def _training(self, network, estimator):
        measure, config = self.comparison.measure, self.config
        runs = self.runs(network, estimator)
        where = f"{network}/{estimator}"
        after = f"{config.steps:,} steps"
        last = [run["train"][-1] for run in runs]
        values = {
            "training": (f"training {measure}, {after}", last),
            "test": (f"test {measure}, {after}", [x["final"] for x in runs]),
            "bound": (
                f"test bound of {config.bound_samples} samples, {after}",
                [run["final_bound"] for run in runs],
            ),
        }
        found = [
            self._nats(
                where, *numbers, self._published(network, estimator, kind)
            )
            for kind, numbers in values.items()
        ]
        base = self.runs(network, "score")
        if estimator != "score" and base:
            # The same seeds, with the same batches.
            more = [
                own - other["train"][-1]
                for own, other in zip(last, base, strict=False)
            ]
            metric = f"training {measure} less that of score, {after}"
            found.append(self._nats(where, metric, more))
        return found + list(self._times(network, estimator, where))

    def _published(self, network, estimator, kind):
        """What is published for a kind of value, or None."""
        comparison = self.comparison
        if not self.config.mnist or kind != comparison.published_for:
            return None
        return comparison.published.get(network, {}).get(estimator)

    def _nats(self, where, metric, values, against=None):
        """The mean over seeds, with their range if there are several."""
        return self._row(
            where,
            metric,
            np.mean(values),
            "nats",
            samples=values if len(values) > 1 else None,
            against=against,
        )

    def _times(self, network, estimator, where):
        values, core = self.curve(network, estimator, "train")
        each = 1000 * core[:, -1] / self.config.steps
        yield self._row(
            where,
            "time of a step, one core",
            each.mean(),
            "ms",
            samples=each if len(each) > 1 else None,
        )
        base, base_core = self.curve(network, "score", "train")
        if estimator == "score" or not len(base):
            return
        reached = _first_time(
            values.mean(axis=0), core.mean(axis=0), base[:, -1].mean()
        )
        if reached is not None:
            yield self._row(
                where,
                f"time to the training {self.comparison.measure} of score",
                reached,
                "s",
                against="score, all steps",
                against_value=base_core[:, -1].mean(),
            )

    def _variance(self, network, estimator, step):
        found = self.distances(network, estimator, step)
        if found is None:
            return
        where, at = f"{network}/{estimator}", f"step {step:,}"
        value, *interval = log_interval(found)
        yield self._row(
            where, f"gradient log-variance, {at}", value, samples=interval
        )
        base = self.distances(network, "score", step)
        if estimator == "score" or base is None:
            return
        value, *interval = log_ratio_interval(found, base)
        yield self._row(
            where,
            f"gradient log-variance less that of score, {at}",
            value,
            samples=interval,
            aim="<= 0" if estimator in _LOWER else None,
        )


def _without_compiling(seconds):
    """The first evaluation with the mean time of the others."""
    first, *others = seconds
    return [np.mean(others) if others else first, *others]


def _first_time(values, seconds, level):
    """When a curve first reaches a level, between evaluations by a line."""
    for index, value in enumerate(values):
        if value >= level:
            if index == 0:
                return seconds[0]
            pair = slice(index - 1, index + 1)
            return np.interp(level, values[pair], seconds[pair])
    return None
