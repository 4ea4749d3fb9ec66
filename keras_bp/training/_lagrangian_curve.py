"""What is lost with the neurons of a model, over how many are dropped."""

import os

import numpy as np

from keras_bp import _checks
from keras_bp.training._figures import draw_curves, new_axes
from keras_bp.training._lagrangian_export import RANKINGS, Pruner

_OWNER = "support_curve"
FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def support_curve(
    model, x, y, data, fractions=FRACTIONS, metrics=("accuracy",), num_seeds=5
):
    """Measures models of `export_support_network`.

    Each layer loses the same fraction by the force of its neurons, by the
    size of their weights, and at random. The mean of what is dropped is folded
    into biases in all three cases.

    Args:
        model: `LagrangianModel` that is compiled.
        x, y: Examples for means and forces, such as those of training; `y` is
            None for the multipliers of persistent states.
        data: Pair of inputs and targets to measure on.
        fractions: Sequence of floats in [0, 1).
        metrics: Sequence of Keras metrics, or their names.
        num_seeds: Positive integer, how many random choices.

    Returns:
        `SupportCurve`.

    Raises:
        ValueError: An argument is out of range, or nothing can be pruned.
    """
    _checks.check_integer("num_seeds", num_seeds, minimum=1, owner=_OWNER)
    for fraction in fractions:
        _checks.check_rate("fractions", fraction, owner=_OWNER)
    pruner = Pruner(model, x, y)
    rows = []
    for fraction in fractions:
        for by in RANKINGS:
            for seed in range(num_seeds if by == "random" else 1):
                network, kept = pruner.export(fraction, by, seed)
                rows.append(
                    {
                        "by": by,
                        "fraction": float(fraction),
                        "seed": seed,
                        "kept": {n: int(v["kept"]) for n, v in kept.items()},
                        "parameters": network.count_params(),
                        **_measured(network, model.loss, metrics, data),
                    }
                )
    return SupportCurve(rows)


def _measured(network, loss, metrics, data):
    # A graph for each of many small models takes longer than what it saves.
    network.compile(loss=loss, metrics=list(metrics), run_eagerly=True)
    found = network.evaluate(
        *data, batch_size=1024, verbose=0, return_dict=True
    )
    return {name: float(value) for name, value in found.items()}


class SupportCurve:
    """Results over the fraction of neurons that are dropped.

    Args:
        rows: List of dictionaries: `"by"`, `"fraction"`, `"seed"`, `"kept"`
            (from the name of a layer to how many neurons are left),
            `"parameters"`, `"loss"`, and one entry for each metric.

    Attributes:
        rows: List of dictionaries.

    Raises:
        ValueError: There are no rows, or a ranking or metric is unknown.
    """

    def __init__(self, rows):
        self.rows = list(rows)
        if not self.rows:
            raise ValueError(
                f"{type(self).__name__} expects rows. Received: none"
            )

    @property
    def rankings(self):
        """List of the rankings, in order."""
        return list(dict.fromkeys(row["by"] for row in self.rows))

    @property
    def metrics(self):
        """List of what was measured."""
        known = ("by", "fraction", "seed", "kept", "parameters")
        return [name for name in self.rows[0] if name not in known]

    def curve(self, by, metric=None):
        """A metric at each fraction.

        Args:
            by: String, the ranking.
            metric: String, or None for `"accuracy"`, if there is one, else
                `"loss"`.

        Returns:
            Four float arrays: the fractions, in order, and the mean, the least
            and the largest value of the seeds.
        """
        owner = type(self).__name__
        metric = self._metric(metric)
        _checks.check_one_of("by", by, self.rankings, owner=owner)
        found = {}
        for row in self.rows:
            if row["by"] == by:
                found.setdefault(row["fraction"], []).append(row[metric])
        fractions = sorted(found)
        mean, low, high = (
            np.array([f(found[fraction]) for fraction in fractions])
            for f in (np.mean, np.min, np.max)
        )
        return np.array(fractions), mean, low, high

    def plot(self, target, metric=None):
        """Draws the curves of all rankings, with the range of their seeds.

        Args:
            target: `matplotlib.axes.Axes`, or the path of an image to write.
            metric: As for `curve`.

        Returns:
            The axes.

        Raises:
            ImportError: A path is given, and Matplotlib is not installed.
        """
        metric = self._metric(metric)
        axes = target
        if isinstance(target, str | os.PathLike):
            axes = new_axes("SupportCurve.plot")
        draw_curves(axes, {by: self.curve(by, metric) for by in self.rankings})
        axes.set(xlabel="fraction of neurons dropped", ylabel=metric)
        if axes is not target:
            axes.figure.savefig(target)
        return axes

    def _metric(self, metric):
        if metric is None:
            return "accuracy" if "accuracy" in self.metrics else "loss"
        _checks.check_one_of(
            "metric", metric, self.metrics, owner=type(self).__name__
        )
        return metric
