"""The picture of a study."""

from examples import report
from examples.critic_parts.methods import METHODS

_COLORS = dict(
    zip(
        METHODS,
        (
            "#1f77b4",
            "#7f7f7f",
            "#2ca02c",
            "#000000",
            "#e377c2",
            "#d62728",
            "#ff7f0e",
            "#9467bd",
        ),
        strict=True,
    )
)


def draw(summary, path):
    """Wrong answers against steps, and against seconds.

    Args:
        summary: `summary.Summary`.
        path: `pathlib.Path` of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    by_step, by_time = figure.subplots(1, 2, sharey=True)
    for method in summary.methods():
        steps, values = summary.curves(method)
        seconds = steps * summary.per_step(method)
        dashed = "-" if method in summary.config.critics else "--"
        for axes, x in ((by_step, steps), (by_time, seconds)):
            color = _COLORS[method]
            axes.plot(x, values.mean(axis=0), dashed, color=color, label=method)
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(x, low, high, color=color, alpha=0.15)
    by_step.set_ylabel(f"{summary.study.task.measure} (%)")
    by_step.set_xlabel("steps")
    by_time.set_xlabel("seconds of one core, without compiling")
    if summary.methods():
        by_time.set_xlim(0, 1.02 * summary.limit())
        by_step.legend(fontsize=8)
    for axes in (by_step, by_time):
        axes.grid(alpha=0.3)
    figure.suptitle(
        f"{summary.study.task.told}: mean and range of "
        f"{summary.config.seeds} seeds",
        fontsize=10,
    )
    path.write_bytes(report.png(figure, dpi=90))
    return path
