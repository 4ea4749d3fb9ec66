"""What the sweeps gave, as rows of results and as a picture."""

import numpy as np

from benchmarks import results
from examples import report
from keras_bp.training import LearningRateSweep

POINTS = 3.0
# Accuracy of the authors' code after one epoch, percent, 20 seeds: explicit
# and implicit, by learning rate.
AUTHORS = {
    "explicit": {0.7: 93.18, 0.8: 36.28, 1.0: 24.3, 1.2: 24.3, 1.5: 13.2},
    "published": {0.7: 96.51, 0.8: 96.19, 1.0: 94.4, 1.2: 86.2, 1.5: 36.3},
}
_COLORS = {
    "explicit": "black",
    "clipped": "tab:gray",
    "adam": "tab:orange",
    "dual": "tab:blue",
    "layerwise": "tab:green",
    "published": "tab:olive",
    "averaged": "tab:purple",
    "truncated": "tab:red",
}


def robust_metric(metric):
    """What the figure for robustness is called."""
    near = f"{POINTS:g} points" if metric == "accuracy" else "half a nat"
    return f"decades of the rate within {near} of the best explicit"


class Summary:
    """Reads the rows of a study.

    Args:
        name: String, of the study.
        study: `Study`.
        found: Dictionary from a sweep to a dictionary from a method to rows.
    """

    def __init__(self, name, study, found):
        self.name, self.study, self._found = name, study, found
        # Chorales: nats of a step, of which the loss is the mean of 88 notes.
        self._scale = 100.0 if study.metric == "accuracy" else 88.0
        self._unit = "%" if study.metric == "accuracy" else "nats per step"
        self._metric = (
            "accuracy"
            if study.metric == "accuracy"
            else "negative log-likelihood"
        )
        sets = {
            row["set"] for x in found.values() for y in x.values() for row in y
        }
        self.told = ", ".join(sorted(sets)) if len(sets) < 3 else "ten UCI sets"

    def seconds(self):
        return sum(row["seconds"] for _, _, row in self._every())

    def rows(self):
        """Rows of all methods, means over sets."""
        made = []
        for method in self._methods():
            made += [*self._of(method), *self._at_rates(method)]
        return made

    def draw(self, path):
        """Draws the mean over sets at each rate, with the range of seeds."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.4), layout="constrained")
        axes = figure.subplots()
        for method in self._methods():
            sweep = self._sweep(method)
            rates, mean, low, high = (
                np.asarray(x) for x in sweep.curve(method, "test")
            )
            if method == "adam":
                rates = rates * 1000
            color = _COLORS[method]
            label = "adam (rate / 1000)" if method == "adam" else method
            scale = self._scale
            axes.plot(rates, scale * mean, "o-", ms=3, color=color, label=label)
            axes.fill_between(
                rates, scale * low, scale * high, color=color, alpha=0.15, lw=0
            )
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel(f"{self._metric}, test, {self._unit}")
        seeds = f"mean and range of {self.study.seeds} seeds"
        axes.set_title(f"{self.told}: {seeds}", fontsize=10)
        if self.study.metric == "loss":
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        path.write_bytes(report.png(figure, dpi=90))
        return path

    def _every(self):
        return [
            (sweep, method, row)
            for sweep, methods in self._found.items()
            for method, rows in methods.items()
            for row in rows
        ]

    def _methods(self):
        known = {method for _, method, _ in self._every()}
        return [x for x in self.study.methods if x in known]

    def _sweep(self, method, name=None):
        rows = [
            row
            for sweep, found, row in self._every()
            if found == method and name in (None, sweep)
        ]
        return LearningRateSweep(rows, self.study.metric)

    def _of(self, method):
        tuned, seeds = self._tuned(method)
        if self.name == "uci" and method == "dual":
            for rival in ("adam", "truncated"):
                if rival in self._methods():
                    yield self._row(
                        method,
                        f"best {self._metric}, less that of {rival}",
                        tuned - self._tuned(rival)[0],
                        "points",
                        aim=">= 0",
                    )
        yield self._row(
            method,
            f"best {self._metric}, test, rate by validation",
            tuned,
            self._unit,
            samples=seeds,
        )
        sweep = self._sweep(method)
        rate = sweep.best_rate(method)
        yield self._row(method, "best rate for all", rate, "")
        yield self._row(
            method,
            f"{self._metric}, test, one rate for all",
            self._scale * sweep.best(method, "test"),
            self._unit,
        )
        yield from self._robust(method, sweep)

    def _robust(self, method, sweep):
        if "explicit" not in self._methods():
            return
        explicit = self._sweep("explicit").best("explicit", "test")
        points = POINTS if self.study.metric == "accuracy" else 50.0 / 88
        aim = ">= 4" if (self.name, method) == ("relu", "dual") else None
        yield self._row(
            method,
            robust_metric(self.study.metric),
            sweep.decades(method, points, explicit, "test"),
            "",
            aim=aim,
        )
        if method in ("dual", "layerwise", "averaged", "published"):
            yield self._row(
                method,
                f"{self._metric} less the best explicit, at its rate",
                self._beside_explicit(method),
                "points" if self._scale == 100 else self._unit,
                aim=">= -0.5"
                if method == "dual" and self._scale == 100
                else None,
            )

    def _tuned(self, method):
        """Mean over sets of the test at the rate of each, and of seeds."""
        found = []
        for name in self._found:
            sweep = self._sweep(method, name)
            rate = sweep.best_rate(method)
            found.append(
                [
                    self._scale * row["test"][self.study.metric]
                    for row in sweep.rows
                    if row["rate"] == rate
                ]
            )
        by_seed = np.mean(found, axis=0)
        return float(by_seed.mean()), [float(x) for x in by_seed]

    def _beside_explicit(self, method):
        """Mean over sets of the difference at the best rate of explicit."""
        found = []
        for name in self._found:
            other = self._sweep("explicit", name)
            best = other.best("explicit", "test")
            rates, mean, _, _ = self._sweep(method, name).curve(method, "test")
            nearest = np.argmin(
                np.abs(np.log(rates / other.best_rate("explicit")))
            )
            found.append(self._scale * (mean[nearest] - best))
        return float(np.mean(found))

    def _at_rates(self, method):
        """Rows of some rates, beside the authors' where these are known."""
        authors = AUTHORS.get(method, {}) if self.name == "conv" else {}
        curve = self._sweep(method).curve(method, "test")
        for rate, mean, low, high in zip(*curve, strict=True):
            if rate not in self.study.told:
                continue
            yield self._row(
                method,
                f"{self._metric} at {rate:g}, test",
                self._scale * mean,
                self._unit,
                samples=[self._scale * low, self._scale * high],
                against="the authors' code, 20 seeds" if authors else None,
                against_value=authors.get(rate),
            )

    def _row(self, method, metric, value, unit, **arguments):
        return results.row(
            f"{self.name}/{method}", metric, value, unit, **arguments
        )
