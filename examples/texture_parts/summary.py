"""What the runs gave, as rows of results and as a picture."""

import numpy as np

from benchmarks import results
from examples import report
from examples.intervals import interval, mean_row
from examples.texture_parts.methods import NONE, is_backdrop
from keras_bp.datasets import gp_textures
from keras_bp.training import LearningRateSweep

# Of the sweep, and in words.
_MEASURES = {
    "accuracy": "accuracy, test",
    "fine": "small length right, test",
    "coarse": "large length right, test",
}
_CHANCE = 100 / 4


class Summary:
    """Reads the rows of a study.

    Args:
        name: String, of the study.
        study: `Study`.
        found: Dictionary from the name of a task to a dictionary from a
            method to rows of `learning_rate_sweep`.
    """

    def __init__(self, name, study, found):
        self.name, self.study, self._found = name, study, found

    def seconds(self):
        return sum(
            row["seconds"]
            for known in self._found.values()
            for rows in known.values()
            for row in rows
        )

    def seeds(self):
        """List of the seeds of which there are runs."""
        return sorted(
            {
                row["seed"]
                for known in self._found.values()
                for rows in known.values()
                for row in rows
            }
        )

    def rows(self):
        made = []
        for task, known in self._found.items():
            for method in known:
                made += self._of(task, method)
        return made

    def test(self, task, method, measure="accuracy"):
        """Dictionary from seeds to percent, at the rate of validation.

        The rate is one for all seeds, the best of their mean.
        """
        rows = self._found[task][method]
        rate = LearningRateSweep(rows).best_rate(method)
        return {
            row["seed"]: 100 * row["test"][measure]
            for row in rows
            if row["rate"] == rate
        }

    def differences(self, task, method, measure="accuracy"):
        """Points above training without masks, by seed; None without it."""
        if method == NONE or NONE not in self._found[task]:
            return None
        ours, plain = (
            self.test(task, name, measure) for name in (method, NONE)
        )
        return [ours[seed] - plain[seed] for seed in ours if seed in plain]

    def _of(self, task, method):
        label = f"{self.name}/{task}/{method}"
        rate = LearningRateSweep(self._found[task][method]).best_rate(method)
        yield results.row(label, "learning rate, by validation", rate, "")
        for measure, words in _MEASURES.items():
            found = self.test(task, method, measure)
            yield mean_row(label, words, list(found.values()), "%")
        for measure, words in _MEASURES.items():
            found = self.differences(task, method, measure)
            if found:
                yield mean_row(label, f"{words}, less none", found, "points")

    def draw(self, path):
        """Draws an image of each class, and the accuracies of each task."""
        from matplotlib.figure import Figure

        tasks = list(self._found)
        high = max(len(known) for known in self._found.values())
        figure = Figure(
            figsize=(3 + 3.2 * len(tasks), 3.4 + 0.28 * high),
            layout="constrained",
        )
        above, below = figure.subfigures(
            2, 1, height_ratios=(2.4, 1 + high / 4)
        )
        self._images(above)
        panels = below.subplots(1, len(tasks), sharex=True, squeeze=False)[0]
        for axes, task in zip(panels, tasks, strict=True):
            self._panel(axes, task)
        panels[0].legend(fontsize=7, loc="lower left")
        below.supxlabel("% of test images, mean and 95% interval", fontsize=9)
        path.write_bytes(report.png(figure, dpi=90))
        return path

    def _images(self, figure):
        task = self.study.tasks[0]
        images, labels = gp_textures(
            task.classes, task.size, task.lengths, seed=0
        )
        panels = figure.subplots(1, task.classes, squeeze=False)[0]
        for axes, image, label in zip(panels, images, labels, strict=True):
            axes.imshow(image[..., 0], cmap="inferno", vmin=-4, vmax=4)
            axes.set_axis_off()
            count = len(task.lengths[0])
            small = task.lengths[0][label % count]
            large = task.lengths[1][label // count]
            axes.set_title(f"lengths {small:g} and {large:g}", fontsize=9)

    def _panel(self, axes, task):
        methods = list(self._found[task])[::-1]
        for shift, measure, marker in (
            (0.2, "accuracy", "o"),
            (0.0, "fine", "v"),
            (-0.2, "coarse", "^"),
        ):
            mean, low, high = np.array(
                [
                    interval(list(self.test(task, method, measure).values()))
                    for method in methods
                ]
            ).T
            axes.errorbar(
                mean,
                np.arange(len(methods)) + shift,
                xerr=[mean - low, high - mean],
                fmt=marker,
                ms=4,
                lw=1,
                label=_MEASURES[measure].removesuffix(", test"),
            )
        axes.axvline(_CHANCE, color="black", lw=0.7, ls=":")
        axes.set_xlim(0, 102)
        axes.set_yticks(range(len(methods)), methods, fontsize=8)
        for label, method in zip(axes.get_yticklabels(), methods, strict=True):
            label.set_fontweight("bold" if is_backdrop(method) else "normal")
        axes.set_title(task, fontsize=8)
