"""The picture of a comparison."""

import numpy as np

from examples import report
from examples.stochastic_parts.config import ESTIMATORS
from examples.stochastic_parts.variance import log_interval

_COLORS = dict(
    zip(
        ESTIMATORS,
        ("#7f7f7f", "#ff7f0e", "#1f77b4", "#2ca02c", "#d62728", "#9467bd"),
        strict=True,
    )
)


def draw(summary, path):
    """Curves against steps and time, and variances, a line a network.

    Args:
        summary: `Summary`.
        path: `pathlib.Path` of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    networks = list(summary.experiment.networks)
    figure = Figure(figsize=(13, 3.9 * len(networks)), layout="constrained")
    lines = figure.subplots(len(networks), 3, squeeze=False)
    for network, (steps, times, variances) in zip(networks, lines, strict=True):
        _curves(summary, network, steps, times)
        _variances(summary, network, variances)
        steps.set_title(network, loc="left")
    labelled = {}
    for axes in lines.flat:
        axes.grid(alpha=0.3)
        handles, labels = axes.get_legend_handles_labels()
        labelled.update(zip(labels, handles, strict=True))
    if labelled:
        figure.legend(
            labelled.values(),
            labelled.keys(),
            loc="outside lower center",
            ncols=len(labelled),
        )
    path.write_bytes(report.png(figure, dpi=90))
    return path


def _curves(summary, network, steps, times):
    lowest = []
    for estimator, color in _COLORS.items():
        values, core = summary.curve(network, estimator, "train")
        if not len(values):
            continue
        every = summary.config.every * (1 + np.arange(values.shape[1]))
        for axes, x in ((steps, every), (times, core.mean(axis=0))):
            axes.plot(x, values.mean(axis=0), color=color, label=estimator)
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(x, low, high, color=color, alpha=0.2)
        # The first evaluations would take up the whole axis.
        lowest.append(values[:, len(every) // 8].min())
    for axes in (steps, times):
        axes.set_ylabel(f"training {summary.comparison.measure} (nats)")
        if lowest:
            axes.set_ylim(bottom=min(lowest))
    steps.set_xlabel("steps")
    times.set_xlabel("seconds of one core")


def _variances(summary, network, axes):
    checkpoints = summary.config.checkpoints
    for index, (estimator, color) in enumerate(_COLORS.items()):
        for place, step in enumerate(checkpoints):
            found = summary.distances(network, estimator, step)
            if found is None:
                continue
            value, low, high = log_interval(found)
            axes.errorbar(
                place + 0.12 * (index - (len(_COLORS) - 1) / 2),
                value,
                yerr=[[value - low], [high - value]],
                fmt="o",
                markersize=4,
                capsize=3,
                color=color,
            )
    axes.set_xticks(range(len(checkpoints)), [f"{x:,}" for x in checkpoints])
    axes.set_xlim(-0.5, len(checkpoints) - 0.5)
    reference = summary.config.reference
    axes.set_xlabel(f"at the weights of {reference} after so many steps")
    axes.set_ylabel("log of gradient variance per weight")
