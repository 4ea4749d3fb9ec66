"""The picture of spectra over epochs."""

import numpy as np

from keras_bp._figures import finish, new_figure


def draw_spectra(target, reports, owner):
    """Draws singular values by rank, a line an epoch, and what is logged.

    Args:
        target: Path of an image to write, or a figure to draw in.
        reports: List of pairs, an epoch from 0 and its `SpectrumReport`.
        owner: String, who draws.
    """
    figure = new_figure(target, owner)
    figure.set_size_inches(11, 3.4)
    ranks, *panels = figure.subplots(1, 4)
    shades = np.linspace(0.85, 0.0, len(reports))
    for shade, (epoch, report) in zip(shades, reports, strict=True):
        # Geometric means, which the logarithmic axis shows.
        with np.errstate(divide="ignore"):
            mean = np.exp(np.log(report.singular_values).mean(axis=0))
        places = np.arange(1, len(mean) + 1)
        ends = epoch in (reports[0][0], reports[-1][0])
        ranks.plot(
            places,
            np.where(mean > 0, mean, np.nan),
            color=str(shade),
            marker="." if ends else None,
            label=f"epoch {epoch + 1}" if ends else None,
        )
    ranks.set_yscale("log")
    ranks.set_title("singular values by rank", fontsize=9)
    ranks.legend(fontsize=7)
    epochs = [epoch + 1 for epoch, _ in reports]
    for axes, name in zip(
        panels, ("condition", "effective_rank", "log_det"), strict=True
    ):
        values = [getattr(report, name) for _, report in reports]
        axes.plot(epochs, values, "o-", ms=4)
        axes.set_title(name.replace("_", " "), fontsize=9)
        axes.set_xlabel("epoch", fontsize=8)
        if name == "condition":
            axes.set_yscale("log")
    for axes in (ranks, *panels):
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7)
    return finish(figure, target, dpi=90)
