"""What the runs gave, as rows of results and as a picture."""

import numpy as np

from benchmarks import results
from examples import report
from examples.intervals import interval, mean_row
from examples.local_parts.methods import BACKPROP
from keras_bp.training import LearningRateSweep

# Points by which a method may be behind.
ALLOWED = 1.0


class Summary:
    """Reads the rows of a study.

    Args:
        name: String, of the study.
        study: `Study`.
        found: Dictionary from a pair, set and depth, to a dictionary from a
            method to rows.

    Attributes:
        aimed: Tuple of names of studies in which methods ought to be no more
            than `ALLOWED` behind.
    """

    aimed = ("uci",)

    def __init__(self, name, study, found):
        self.name, self.study, self._found = name, study, found

    def seconds(self):
        return sum(
            row["seconds"]
            for known in self._found.values()
            for rows in known.values()
            for row in rows
        )

    def rows(self):
        made = []
        for depth in self._depths():
            for method in self._methods(depth):
                made += self._of(depth, method)
        return made

    def draw(self, path):
        """Draws the differences to backpropagation, with their intervals.

        Returns:
            `path`, or None where nothing can be compared.
        """
        from matplotlib.figure import Figure

        depths = [depth for depth in self._depths() if self._compared(depth)]
        if not depths:
            return None
        figure = Figure(figsize=(5 * len(depths), 5), layout="constrained")
        panels = figure.subplots(1, len(depths), sharey=True, squeeze=False)[0]
        for axes, depth in zip(panels, depths, strict=True):
            self._panel(axes, depth)
        panels[0].set_ylabel("points of accuracy less backprop, test")
        # Below, where it hides no interval.
        figure.legend(
            *panels[-1].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=3,
            fontsize=7,
        )
        figure.suptitle(
            f"{self.study.told}: mean and 95% interval", fontsize=10
        )
        path.write_bytes(report.png(figure, dpi=90))
        return path

    def _panel(self, axes, depth):
        sets, methods = self._sets(depth), self._compared(depth)
        for place, method in enumerate(methods):
            found = [
                interval(self._difference(name, depth, method)) for name in sets
            ]
            mean, low, high = np.array(found).T
            shift = (place - (len(methods) - 1) / 2) * 0.7 / len(methods)
            axes.errorbar(
                np.arange(len(sets)) + shift,
                mean,
                yerr=[mean - low, high - mean],
                # Colors come again after ten.
                fmt="os"[place // 10 % 2],
                ms=3,
                lw=1,
                label=method,
            )
        axes.axhline(0, color="black", lw=0.7)
        axes.axhline(-ALLOWED, color="black", lw=0.7, ls=":")
        axes.set_xlim(-0.6, len(sets) - 0.4)
        short = [name.split("-")[0] for name in sets]
        axes.set_xticks(range(len(sets)), short, rotation=60, fontsize=8)
        axes.set_title(f"{depth} hidden layer" + "s" * (depth > 1), fontsize=9)

    def _depths(self):
        return sorted({depth for _, depth in self._found})

    def _sets(self, depth):
        """Sets with every method of this depth."""
        methods = self._methods(depth)
        return [
            name
            for (name, own), known in self._found.items()
            if own == depth and set(methods) <= set(known)
        ]

    def _methods(self, depth):
        known = {
            method
            for (_, own), found in self._found.items()
            if own == depth
            for method in found
        }
        return [x for x in self.study.methods if x in known]

    def _compared(self, depth):
        """Methods that stand beside backpropagation."""
        methods = self._methods(depth)
        if BACKPROP not in methods:
            return []
        return [method for method in methods if method != BACKPROP]

    def _test(self, name, depth, method):
        """Accuracy of each seed at the rate of the set, percent."""
        sweep = LearningRateSweep(self._found[name, depth][method])
        rate = sweep.best_rate(method)
        seeds = {
            row["seed"]: 100 * row["test"]["accuracy"]
            for row in sweep.rows
            if row["rate"] == rate
        }
        return np.array([seeds[seed] for seed in sorted(seeds)])

    def _difference(self, name, depth, method):
        ours = self._test(name, depth, method)
        return ours - self._test(name, depth, BACKPROP)

    def _of(self, depth, method):
        sets = self._sets(depth)
        if not sets:
            return
        label = f"{self.name}/{depth}/{method}"
        found = np.array([self._test(name, depth, method) for name in sets])
        mnist = self.name == "mnist" and method == "lin"
        yield mean_row(
            label,
            "accuracy, test, rate by validation",
            found.mean(0),
            "%",
            aim=">= 98" if mnist else None,
        )
        if method == BACKPROP or BACKPROP not in self._methods(depth):
            return
        behind = np.array(
            [self._difference(name, depth, method) for name in sets]
        )
        aimed = self.name in self.aimed
        yield mean_row(
            label,
            "accuracy less backprop",
            behind.mean(0),
            "points",
            aim=f">= {-ALLOWED:g}" if aimed else None,
        )
        if len(sets) == 1:
            return
        below = [n for n, d in zip(sets, behind, strict=True) if _worse(d)]
        yield results.row(
            label,
            f"sets whose interval lies below -{ALLOWED:g} point",
            len(below),
            "",
            aim="<= 0" if aimed else None,
        )
        for name, values in zip(sets, behind, strict=True):
            yield mean_row(f"{label}/{name}", "less backprop", values, "points")


def _worse(differences):
    return interval(differences)[2] < -ALLOWED
