"""What a study gave: rows of results, and where the critic pays."""

import numpy as np

from benchmarks import results
from examples.critic_parts.methods import CRITICS, RIVALS
from examples.intervals import interval, mean_row

# By the whole interval of a difference in wrong answers.
PAYS, COSTS, OPEN = "the critic pays", "the critic costs", "not decided"


class Summary:
    """Reads what a `Study` has kept.

    All methods are compared after the same steps, and after the same seconds
    of one core: those that the quickest of them needs for all of its steps.
    Nodes that do not learn are not of them.

    Args:
        study: `study.Study`.
        name: String, the preset.
    """

    def __init__(self, study, name):
        self.study, self.config, self.name = study, study.config, name

    def methods(self):
        """Those that have been trained with each seed so far."""
        counts = {x: len(self._trained(x)) for x in self.config.methods}
        most = max(counts.values(), default=0)
        return [x for x, count in counts.items() if count == most > 0]

    def _parts(self, method):
        return [x for x in self.study.trainings() if x.method == method]

    def _trained(self, method):
        return self.study.found(self._parts(method))

    def seconds(self):
        """Of all parts together."""
        found = self.study.found(self.study.parts())
        return sum(numbers["seconds"] for numbers in found)

    def per_step(self, method):
        """Seconds of one core for a step.

        The median, for another program may have been running; and without
        the first ones, in which XLA may compile.
        """
        found = [
            seconds / self.config.every
            for run in self._trained(method)
            for seconds in run["core"][1:] or run["core"]
        ]
        return float(np.median(found))

    def limit(self):
        """Seconds after which methods are compared."""
        learning = [x for x in self.methods() if x in (*RIVALS, *CRITICS)]
        quickest = min(self.per_step(x) for x in learning or self.methods())
        return self.config.steps * quickest

    def curves(self, method):
        """Steps, and an array of the wrong answers of each seed, percent."""
        runs = self._trained(method)
        return np.array(runs[0]["step"]), np.array([x["test"] for x in runs])

    def at_steps(self, method):
        """Wrong answers of each seed after all steps."""
        return self.curves(method)[1][:, -1]

    def at_seconds(self, method):
        """Wrong answers of each seed at the limit of time."""
        steps, values = self.curves(method)
        step = self.limit() / self.per_step(method)
        return np.array([np.interp(step, steps, x) for x in values])

    def readings(self):
        """Dictionary from words to a function of a method."""
        return {
            f"{self.config.steps:,} steps": self.at_steps,
            f"{self.limit():.3g} s of one core": self.at_seconds,
        }

    def rows(self):
        """All rows of results."""
        methods = self.methods()
        if not methods:
            return []
        found = [row for method in methods for row in self._of(method)]
        for critic in self.config.critics:
            for rival in self.config.rivals:
                if critic in methods and rival in methods:
                    found += self._pair(critic, rival)
        return found

    def _label(self, words):
        return f"{self.study.task.name}, {self.name}/{words}"

    def _of(self, method):
        label, told = self._label(method), self.study.task.measure
        for words, read in self.readings().items():
            yield mean_row(label, f"{told}, {words}", read(method), "%")
        runs = self._trained(method)
        yield results.row(
            label, "rate of Adam, by validation", runs[0]["rate"], ""
        )
        yield results.row(
            label,
            "time of a step, one core",
            1e3 * self.per_step(method),
            "ms",
        )
        (speed,) = self.study.found(
            [x for x in self.study.speeds() if x.method == method]
        )
        yield results.row(label, "compiling", speed["compiling"], "s")

    def _pair(self, critic, rival):
        label = self._label(f"{critic} against {rival}")
        for words, values in self.differences(critic, rival).items():
            yield mean_row(
                label,
                f"{self.study.task.measure} less, {words}: {verdict(values)}",
                values,
                "points",
            )

    def differences(self, critic, rival):
        """By the words of a reading, those of each seed.

        The same seeds have the same weights at first and the same batches.
        """
        return {
            words: read(critic) - read(rival)
            for words, read in self.readings().items()
        }

    def told(self):
        """Lines that say where the critic pays, and where it does not."""
        methods, by_words = self.methods(), {PAYS: [], COSTS: [], OPEN: []}
        for critic in self.config.critics:
            for rival in self.config.rivals:
                if critic not in methods or rival not in methods:
                    continue
                for words, x in self.differences(critic, rival).items():
                    told = f"{critic} against {rival}, {words}"
                    by_words[verdict(x)].append(told)
        return [
            f"{words[0].upper()}{words[1:]}: {'; '.join(found) or 'nowhere'}."
            for words, found in by_words.items()
        ]


def verdict(values):
    """What paired differences in wrong answers say of the critic.

    Decided by the 95% interval of their mean, which takes two seeds or more.
    """
    _, low, high = interval(values)
    if len(values) < 2 or low <= 0 <= high:
        return OPEN
    return PAYS if high < 0 else COSTS
