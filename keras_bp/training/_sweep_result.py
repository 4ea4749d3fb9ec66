"""What a sweep of learning rates has found."""

import numpy as np

from keras_bp import _checks
from keras_bp.training._sweep_curve import longest_run, plot_curves


class LearningRateSweep:
    """Results at learning rates, and how robust they are to them.

    Rows of several sweeps, such as those of several sets, are put together by
    `LearningRateSweep(one.rows + other.rows)`.

    Args:
        rows: List of dictionaries, as of `learning_rate_sweep`. Those of one
            method, rate and seed, of several sets, count by their mean.
        metric: String, an entry of their `"validation"`, or None for
            `"accuracy"`, if there is one, else `"loss"`. Defaults to `None`.
        mode: `"max"` or `"min"`, which values of the metric are good, or
            `"auto"` for `"min"` if it is `"loss"` or ends with `"_loss"` or
            `"_error"`, else `"max"`. Defaults to `"auto"`.

    Attributes:
        rows: List of dictionaries.
        metric: String.
        mode: `"max"` or `"min"`.

    Raises:
        TypeError: A row is no dictionary, or has none under `"validation"`.
        ValueError: There are no rows, or none has the metric; or `mode`, a
            method or a part is unknown.

    Example:

    >>> from keras_bp.training import LearningRateSweep
    >>> rows = [
    ...     {"method": "A", "seed": 0, "rate": r, "validation": {"accuracy": a}}
    ...     for r, a in ((0.1, 0.9), (1.0, 0.92), (10.0, 0.86))
    ... ]
    >>> sweep = LearningRateSweep(rows)
    >>> sweep.best_rate("A"), round(sweep.decades("A", points=3.0), 3)
    (1.0, 1.5)
    """

    def __init__(self, rows, metric=None, mode="auto"):
        owner = type(self).__name__
        _checks.check_one_of("mode", mode, ("auto", "max", "min"), owner=owner)
        self.rows = list(rows)
        if not self.rows:
            raise ValueError(f"{owner} expects rows. Received: none")
        if not all(
            isinstance(row, dict) and isinstance(row.get("validation"), dict)
            for row in self.rows
        ):
            raise TypeError(
                f"{owner} expects `rows` to be dictionaries, each with what "
                "was measured under 'validation'. Received: others"
            )
        known = set.intersection(*(set(x["validation"]) for x in self.rows))
        if metric is None:
            metric = "accuracy" if "accuracy" in known else "loss"
        _checks.check_one_of("metric", metric, known, owner=owner)
        self.metric = metric
        if mode == "auto":
            low = metric == "loss" or metric.endswith(("_loss", "_error"))
            mode = "min" if low else "max"
        self.mode = mode

    def __repr__(self):
        return (
            f"LearningRateSweep(methods={self.methods}, metric="
            f"{self.metric!r}, {len(self.rows)} rows)"
        )

    @property
    def methods(self):
        """List of the names of methods, in order."""
        return list(dict.fromkeys(row["method"] for row in self.rows))

    def by(self, metric, mode="auto"):
        """The same rows, measured by another metric."""
        return type(self)(self.rows, metric, mode)

    def curve(self, method, part="validation"):
        """The metric at each rate.

        Args:
            method: String.
            part: String, `"validation"` or `"test"`.

        Returns:
            Four float arrays: the rates, in order, and the mean, the least and
            the largest value of the seeds, NaN where one of them is.
        """
        owner = type(self).__name__
        _checks.check_one_of("method", method, self.methods, owner=owner)
        found = {}
        for row in self.rows:
            if row["method"] == method:
                _checks.check_one_of("part", part, _parts(row), owner=owner)
                seeds = found.setdefault(float(row["rate"]), {})
                value = row[part][self.metric]
                seeds.setdefault(row["seed"], []).append(value)
        rates = sorted(found)
        values = [
            [np.mean(sets) for sets in found[rate].values()] for rate in rates
        ]
        mean, low, high = (
            np.array([f(x) for x in values]) for f in (np.mean, np.min, np.max)
        )
        return np.array(rates), mean, low, high

    def best_rate(self, method):
        """The rate of the best mean on the examples for validation.

        The least of equal ones; NaN counts as the worst.
        """
        rates, mean, _, _ = self.curve(method)
        return float(rates[np.argmax(self._worth(mean))])

    def best(self, method, part="validation"):
        """The mean at the best rate, which validation has chosen."""
        rates, mean, _, _ = self.curve(method, part)
        return float(mean[rates == self.best_rate(method)][0])

    def decades(self, method, points=3.0, best=None, part="validation"):
        """How many decades of the rate lead to nearly the best result.

        The length of the longest interval, in the logarithm of the rate to
        base 10, in which the mean, linear between the rates that were tried,
        is at least `best` less `points / 100`. It counts up to the ends of
        the rates; next to a NaN it ends at the rate that has a value.

        Args:
            method: String.
            points: Float, not negative, in hundredths of the metric. Defaults
                to `3.0`.
            best: Float, a value of the metric, such as that of another
                method, or None for the best mean of this one. Defaults to
                `None`.
            part: String, `"validation"` or `"test"`.

        Returns:
            Float; 0 where no rate is good enough, or one alone with a NaN on
            either side.
        """
        owner = f"{type(self).__name__}.decades"
        _checks.check_not_negative("points", points, owner=owner)
        rates, mean, _, _ = self.curve(method, part)
        worth = self._worth(mean)
        if best is None:
            threshold = np.max(worth)
        else:
            _checks.check_number("best", best, owner=owner)
            threshold = best if self.mode == "max" else -best
        return longest_run(np.log10(rates), worth, threshold - points / 100)

    def plot(self, target, part="validation"):
        """Draws the curves of all methods, with the range of their seeds.

        Args:
            target: `matplotlib.axes.Axes`, or the path of an image to write.
            part: String, `"validation"` or `"test"`.

        Returns:
            The axes.

        Raises:
            ImportError: A path is given, and Matplotlib is not installed.
        """
        curves = {name: self.curve(name, part) for name in self.methods}
        label = f"{self.metric} ({part})"
        return plot_curves(target, curves, label, self.mode == "min")

    def _worth(self, mean):
        """Higher is better, and NaN is the worst."""
        worth = mean if self.mode == "max" else -mean
        return np.where(np.isnan(worth), -np.inf, worth)


def _parts(row):
    return [part for part in ("validation", "test") if part in row]
