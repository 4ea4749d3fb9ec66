"""What the runs gave, as rows of results and as a picture."""

import itertools

import numpy as np

from benchmarks import results
from examples import report
from examples.backdrop_auc_parts import methods, training
from examples.intervals import interval, mean_row


class Summary:
    """Reads the runs of a study.

    Args:
        name: String, of the study.
        study: `Study`.
        found: Dictionary of `examples.backdrop_auc.work`.
    """

    def __init__(self, name, study, found):
        self.name, self.study, self._found = name, study, found
        self._methods = [
            method
            for method in study.methods
            if found and all(method in own["runs"] for own in found.values())
        ]

    def seconds(self):
        """Of the processor, for training."""
        return sum(
            run["points"][-1]["seconds"]
            for own in self._found.values()
            for runs in own["runs"].values()
            for run in runs
        )

    def rows(self):
        made = []
        for problem in self._found:
            made += self._of_problem(problem)
        ours = [m for m in self._methods if m in methods.MASKED]
        for method, budget in itertools.product(ours, self.study.budgets()):
            made += self._against(method, budget)
        return made

    def draw(self, path):
        """Draws the areas of all methods, with their intervals."""
        from matplotlib.figure import Figure

        budgets = self.study.budgets()
        figure = Figure(figsize=(5.5 * len(budgets), 4.8), layout="constrained")
        panels = figure.subplots(1, len(budgets), sharey=True)
        problems = list(self._found)
        for axes, budget in zip(panels, budgets, strict=True):
            for place, method in enumerate(self._methods):
                mean, low, high = np.array(
                    [
                        interval(self._test(problem, method, budget))
                        for problem in problems
                    ]
                ).T
                shift = (place - len(self._methods) / 2) * 0.11
                axes.errorbar(
                    np.arange(len(problems)) + shift,
                    mean,
                    yerr=[mean - low, high - mean],
                    fmt="o",
                    ms=3,
                    lw=1,
                    label=method,
                )
            axes.set_title(f"equal {budget}", fontsize=9)
            axes.set_xticks(
                range(len(problems)), [p.name for p in problems], fontsize=8
            )
        panels[0].set_ylabel("area under the ROC curve, test")
        panels[-1].legend(fontsize=8, loc="lower left")
        figure.suptitle(
            f"{self.study.told}: mean and 95% interval", fontsize=10
        )
        path.write_bytes(report.png(figure, dpi=90))
        return path

    def _test(self, problem, method, budget):
        """The area of each seed, at the rate that validation chose."""
        own = self._found[problem]
        epochs = self.study.epochs_of(
            budget, method in methods.MASKED, len(problem.parts(0)["train"][1])
        )
        points = {}
        for run in own["runs"][method]:
            if budget == "time":
                point = training.at_seconds(run["points"], own["seconds"])
            else:
                point = training.at_epochs(run["points"], epochs)
            points.setdefault(run["rate"], {})[run["seed"]] = point
        best = max(
            points,
            key=lambda rate: np.mean(
                [point["validation"] for point in points[rate].values()]
            ),
        )
        found = points[best]
        return np.array([found[seed]["test"] for seed in sorted(found)])

    def _of_problem(self, problem):
        share = problem.positives()
        yield results.row(
            problem.name,
            f"batches of {self.study.batch} without a pair",
            # With the negatives, of which all have some.
            100 * (1 - share) ** self.study.batch,
            "%",
        )
        for method, budget in itertools.product(
            self._methods, self.study.budgets()
        ):
            yield _row(
                f"{problem.name}/{method}",
                f"test AUC, equal {budget}",
                self._test(problem, method, budget),
            )

    def _against(self, method, budget):
        """Paired differences to the others, over all problems."""
        whole = next(iter(methods.MASKED))
        others = [m for m in self._methods if m not in methods.MASKED]
        if method != whole and whole in self._methods:
            others = [whole, *others]
        for other in others:
            found = np.array(
                [
                    self._test(problem, method, budget)
                    - self._test(problem, other, budget)
                    for problem in self._found
                ]
            )
            told = f"{method} less {other}"
            yield _row(
                told, f"test AUC, mean, equal {budget}", found.mean(axis=0)
            )
            # The claim of Backdrop is its mask; without, it is a peer.
            if method == whole or self.study.seeds < 2:
                continue
            bounds = [interval(values) for values in found]
            yield results.row(
                told,
                f"problems where it is better, equal {budget}",
                sum(low > 0 for _, low, _ in bounds),
                "",
                aim=">= 1",
            )
            yield results.row(
                told,
                f"problems where it is worse, equal {budget}",
                sum(high < 0 for _, _, high in bounds),
                "",
                aim="<= 0",
            )


def _row(label, metric, values):
    return mean_row(label, metric, values, "")
