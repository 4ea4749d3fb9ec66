"""Rows of results: means over seeds, and differences to no spectral term."""

import numpy as np

from benchmarks import results
from examples.intervals import interval, mean_row
from examples.spectral_parts.config import ARMS, Run
from examples.spectral_parts.factors import NAMES

# Measures of one arm: metric, unit, and how they are found in a record.
_MEASURES = {
    "FD": ("Fréchet distance of features", "", lambda r: r["FD"]),
    "coverage": ("coverage", "", lambda r: r["coverage"]),
    "precision": ("precision", "", lambda r: r["precision"]),
    "seconds": ("time of training", "s", lambda r: r["seconds"]),
    "condition": (
        "condition number of the Jacobian",
        "",
        lambda r: r["condition"],
    ),
    "effective rank": ("effective rank", "", lambda r: r["effective rank"]),
    "log det": ("log det of the metric", "nats", lambda r: r["log det"]),
    "samples": (
        "log-likelihood of samples",
        "nats",
        lambda r: np.mean(r["samples"]["likelihood"]),
    ),
    "held out": (
        "log-likelihood of inverted test images",
        "nats",
        lambda r: np.mean(r["held out"]["likelihood"]),
    ),
    "error": (
        "error of inverted test images, a pixel",
        "",
        lambda r: r["held out"]["error"],
    ),
    "length": (
        "mean square of the latents of inverted test images",
        "",
        lambda r: r["held out"]["length"],
    ),
    "sphere": (
        "log-likelihood after ascent on the sphere",
        "nats",
        lambda r: np.mean(r["ascent"]["sphere"]["likelihood"]),
    ),
    "free": (
        "log-likelihood after free ascent",
        "nats",
        lambda r: np.mean(r["ascent"]["free"]["likelihood"]),
    ),
    "eigenvectors": (
        "concentration of changes along eigenvectors",
        "",
        lambda r: r["walks"]["eigenvectors"]["concentration"],
    ),
    "random": (
        "concentration of changes along random directions",
        "",
        lambda r: r["walks"]["random"]["concentration"],
    ),
}
SHORT = ("FD", "coverage", "condition", "effective rank", "samples", "held out")


# How sensible images look before and after ascents.
_LOOKS = {
    "confidence": ("confidence", ""),
    "entropy": ("entropy of classes", "nats"),
    "nearest": ("distance to the nearest training image, a pixel", ""),
}


def metric_of(measure):
    """The metric of the rows of a measure."""
    return _MEASURES[measure][0]


# A gain counts only where the quality is shown not to be worse than this.
_WORSE_DISTANCE, _WORSE_COVERAGE = 0.10, 0.03


class Summary:
    """The records of a folder, and what they say.

    Args:
        study: `Study`.
        store: `Store`.
        reference: `Reference`.
    """

    def __init__(self, study, store, reference):
        self.study, self.store, self.reference = study, store, reference
        self.records = {}
        for arm in study.arms:
            found = {
                seed: store.found(Run(arm, seed).name)
                for seed in range(study.seeds)
            }
            found = {seed: x for seed, x in found.items() if x is not None}
            if found:
                self.records[arm] = found

    def seconds(self):
        return sum(
            record["seconds"] + record["seconds of measures"]
            for found in self.records.values()
            for record in found.values()
        )

    def seeds(self):
        return sorted({s for found in self.records.values() for s in found})

    def values(self, arm, measure):
        """A measure of all seeds of an arm."""
        read = _MEASURES[measure][2]
        return [float(read(x)) for x in self.records[arm].values()]

    def differences(self, arm, read):
        """Differences to no spectral term, of the seeds that both have."""
        one, none = self.records[arm], self.records.get("none", {})
        return [
            read(one[s]) - read(none[s]) for s in sorted(set(one) & set(none))
        ]

    def rows(self):
        """All rows of results."""
        found = list(self._of_data())
        for arm in self.records:
            name = f"{self.study.name}/{arm}"
            for measure, (metric, unit, _) in _MEASURES.items():
                values = self.values(arm, measure)
                found.append(mean_row(name, metric, values, unit))
            found += self._within(arm, name)
            if not ARMS[arm].is_plain:
                found += self._against_none(arm, name)
        return found

    def _of_data(self):
        name, of_test = f"{self.study.name}/test images", self.reference.of_test
        for measure in ("FD", "precision", "coverage"):
            metric, unit, _ = _MEASURES[measure]
            yield results.row(name, metric, of_test[measure], unit)
        for key, (metric, unit) in _LOOKS.items():
            yield results.row(name, metric, self.reference.told[key], unit)

    def _within(self, arm, name):
        """Differences inside of each run."""
        records = self.records[arm].values()
        for where in ("start", "sphere", "free"):
            for key, (metric, unit) in _LOOKS.items():
                values = [r["ascent"][where][key] for r in records]
                told = {"start": "before ascent"}.get(where, f"{where} ascent")
                yield mean_row(name, f"{metric}, {told}", values, unit)
        for where in ("sphere", "free"):
            values = [
                r["ascent"][where]["confidence"]
                - r["ascent"]["start"]["confidence"]
                for r in records
            ]
            metric = f"confidence gained by {where} ascent"
            yield mean_row(name, metric, values, "")
        for metric, unit, read in (
            (
                "likelihood of inverted test images less that of samples",
                "nats",
                lambda r: (
                    np.mean(r["held out"]["likelihood"])
                    - np.mean(r["samples"]["likelihood"])
                ),
            ),
            (
                "concentration, eigenvectors less random",
                "",
                lambda r: (
                    r["walks"]["eigenvectors"]["concentration"]
                    - r["walks"]["random"]["concentration"]
                ),
            ),
        ):
            yield mean_row(name, metric, [read(r) for r in records], unit)
        for which in ("eigenvectors", "random"):
            for i, factor in enumerate(NAMES):
                values = [r["walks"][which]["changes"][i] for r in records]
                metric = f"change of {factor} along {which}"
                yield mean_row(name, metric, values, "of that of two samples")

    def _against_none(self, arm, name):
        """Differences to the arm without a term, and what of them counts."""
        distance = self.differences(arm, lambda r: np.log(r["FD"]))
        coverage = self.differences(arm, lambda r: r["coverage"])
        condition = self.differences(arm, lambda r: np.log(r["condition"]))
        if not distance:
            return
        yield _ratio_row(name, "Fréchet distance over that of none", distance)
        yield mean_row(name, "coverage less that of none", coverage, "")
        yield _ratio_row(name, "condition over that of none", condition)
        for measure in ("samples", "held out", "effective rank"):
            metric, unit, read = _MEASURES[measure]
            values = self.differences(arm, lambda r, f=read: float(f(r)))
            yield mean_row(name, f"{metric}, less that of none", values, unit)
        kept = self.keeps_quality(arm)
        yield results.row(
            name,
            "quality shown to be kept: distance up to 10 % and coverage up to "
            "0.03 worse, by intervals",
            int(kept),
            "",
        )
        gain = float(np.exp(-np.mean(condition)))
        yield results.row(
            name,
            "gain in conditioning that counts: by its interval, and with "
            "quality kept",
            gain if kept and interval(condition)[2] < 0 else 1.0,
            "times",
        )

    def keeps_quality(self, arm):
        """Whether intervals rule out that the samples are worse."""
        distance = self.differences(arm, lambda r: np.log(r["FD"]))
        coverage = self.differences(arm, lambda r: r["coverage"])
        if len(distance) < 2:
            return False
        worst = interval(distance)[2]
        least = interval(coverage)[1]
        return bool(
            worst <= np.log(1 + _WORSE_DISTANCE) and least >= -_WORSE_COVERAGE
        )


def _ratio_row(name, metric, logarithms):
    """A row of a ratio, whose interval is that of its logarithm."""
    bounds = [float(np.exp(x)) for x in interval(logarithms)]
    return results.row(name, metric, bounds[0], "", samples=bounds)
