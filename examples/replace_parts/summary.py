"""What the runs gave, as rows of results and as pictures."""

import numpy as np

from benchmarks import results
from examples import report
from examples.intervals import mean_row
from examples.local_parts.methods import BACKPROP
from examples.local_parts.summary import ALLOWED, Summary
from examples.replace_parts.studies import STUDIES
from examples.replace_parts.watch import steps_to

# Errors on MNIST in percent, by others: BioTorch's Benchmarks.md, which
# selects its models on the images that it then tests on.
BIOTORCH = {
    "backprop": 0.91,
    "feedback_alignment": 1.7,
    "uniform_sign": 0.94,
    "direct_feedback_alignment": 1.61,
}
# The same of forward-forward, by the report: another network, no aim here.
HINTON = 1.36
# By how much more an error may be.
_REACHED = "<= 1.25"


class RuleSummary(Summary):
    """Reads the rows of a study.

    Args:
        name: String, of the study.
        study: `RuleStudy`.
        found: Dictionary from a pair, set and depth, to a dictionary from a
            rule to a dictionary: `"rows"` of a sweep, `"rate"`, which of them
            was chosen, and `"watched"`, what `watch.watched` found, or None.
    """

    aimed = tuple(STUDIES)

    def __init__(self, name, study, found):
        super().__init__(
            name,
            study,
            {
                key: {rule: each["rows"] for rule, each in known.items()}
                for key, known in found.items()
            },
        )
        self._rates = {
            (*key, rule): each["rate"]
            for key, known in found.items()
            for rule, each in known.items()
        }
        self._watched = {
            key: {
                rule: each["watched"]
                for rule, each in known.items()
                if each["watched"] is not None
            }
            for key, known in found.items()
        }

    def rows(self):
        made = super().rows()
        for depth in self._depths():
            for method in self._methods(depth):
                made += self._costs(depth, method)
        for (name, depth), known in self._watched.items():
            for rule, found in known.items():
                made += self._course(f"{name}/{depth}/{rule}", found, known)
        return made

    def draw(self, path):
        """Draws differences to backpropagation, and angles beside them.

        Returns:
            List of the paths of those that there are.
        """
        drawn = [
            self._draw_angles(path.with_name("angles.png")),
            super().draw(path),
        ]
        return [path for path in drawn if path is not None]

    def _test(self, name, depth, method):
        """Accuracy of each seed at the rate of the set, percent."""
        rate = self._rates[name, depth, method]
        seeds = {
            row["seed"]: 100 * row["test"]["accuracy"]
            for row in self._found[name, depth][method]
            if row["rate"] == rate
        }
        return np.array([seeds[seed] for seed in sorted(seeds)])

    def _costs(self, depth, method):
        sets = self._sets(depth)
        if not sets:
            return
        label = f"{self.name}/{depth}/{method}"
        plain = self._fastest(depth, BACKPROP, sets)
        yield results.row(
            label,
            "seconds of the fastest training, all sets",
            self._fastest(depth, method, sets),
            "s",
            against="backprop" if plain else None,
            against_value=plain,
        )
        errors = [100 - self._test(n, depth, method) for n in sets]
        if self.name == "mnist":
            theirs = HINTON if "forward" in method else None
            yield mean_row(
                label,
                "error, test",
                errors[0],
                "%",
                against="report, 4 x 2000 units, 60 epochs" if theirs else None,
                against_value=theirs,
            )
        if self.name.startswith("lenet") and method in BIOTORCH:
            yield mean_row(
                label,
                "error, test",
                errors[0],
                "%",
                against="BioTorch",
                against_value=BIOTORCH[method],
                aim=_REACHED,
            )

    def _fastest(self, depth, method, sets):
        """Seconds of a training of each set, which other work did not slow."""
        rows = [self._found[name, depth].get(method) for name in sets]
        if not all(rows):
            return None
        return sum(min(row["seconds"] for row in found) for found in rows)

    def _course(self, label, found, known):
        label = f"watched/{label}"
        yield results.row(
            label, "variables and slots", found["bytes"] / 2**20, "MiB"
        )
        if BACKPROP in known:
            best = max(known[BACKPROP]["accuracy"]) - ALLOWED / 100
            steps = steps_to(found, best)
            last = len(found["accuracy"]) * found["steps"]
            metric = f"steps to {ALLOWED:g} point below backprop, validation"
            if steps is None:
                metric = (
                    f"steps without reaching {ALLOWED:g} point below "
                    "backprop, validation"
                )
            yield results.row(label, metric, steps or last, "")
        for layer, values in _in_order(found):
            for key in ("angle", "alignment"):
                if key in values:
                    yield results.row(
                        label,
                        f"{key} of {layer}, last epoch",
                        values[key][-1],
                        "degrees",
                        samples=[values[key][0], values[key][-1]],
                    )

    def _draw_angles(self, path):
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        shown = [
            (name, depth, rule, found)
            for (name, depth), known in self._watched.items()
            for rule, found in known.items()
            if rule != BACKPROP
        ]
        if not shown:
            return None
        columns = min(4, len(shown))
        rows = -(-len(shown) // columns)
        figure = Figure(
            figsize=(3.2 * columns, 2.6 * rows), layout="constrained"
        )
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
        for axes in list(panels)[len(shown) :]:
            axes.set_axis_off()
        for axes, (name, depth, rule, found) in zip(
            figure.axes, shown, strict=False
        ):
            for place, (layer, values) in enumerate(_in_order(found)):
                for key, style in (("angle", "-"), ("alignment", ":")):
                    if key in values:
                        axes.plot(
                            range(1, len(values[key]) + 1),
                            values[key],
                            style,
                            color=f"C{place}",
                            label=layer if key == "angle" else None,
                        )
            axes.axhline(90, color="black", lw=0.7)
            axes.set_title(f"{rule}, {name}, {depth} hidden", fontsize=8)
            axes.legend(fontsize=6)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.supylabel("degrees (dots: weights and feedback)", fontsize=9)
        figure.supxlabel("epoch", fontsize=9)
        path.write_bytes(report.png(figure, dpi=90))
        return path


def _in_order(found):
    """Layers by their place: names count on from one model to the next."""
    return [
        (f"layer {place}", values)
        for place, values in enumerate(found["layers"].values(), 1)
    ]
