"""Means over seeds with their confidence intervals, as rows of results."""

import numpy as np

from benchmarks import results


def interval(values):
    """Mean, and the bounds of its 95% confidence interval (Student's t)."""
    from scipy import stats

    values = np.asarray(values, float)
    mean = values.mean()
    if len(values) < 2:
        return mean, mean, mean
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = stats.t.ppf(0.975, len(values) - 1) * error
    return mean, mean - half, mean + half


def mean_row(label, metric, values, unit, **arguments):
    """A row whose range is the 95% interval of a mean over seeds."""
    bounds = [float(x) for x in interval(values)]
    return results.row(
        label, metric, bounds[0], unit, samples=bounds, **arguments
    )
