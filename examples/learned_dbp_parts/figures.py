"""The picture of the example."""

import numpy as np

from examples import report
from examples.learned_dbp_parts import power_sweep, stages
from examples.learned_dbp_parts.measure import (
    as_complex,
    count_bits,
    outputs,
    snr,
)
from keras_bp.optics import (
    Constellation,
    align_phase,
    plot_constellation,
    plot_power_sweep,
)


def draw(store, path):
    """Constellations, curves over the launch power, and that of pruning.

    Args:
        store: `Store`, of a run whose models are there.
        path: `pathlib.Path` of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.6), layout="constrained")
    above, below = figure.subfigures(2, 1)
    models = power_sweep.sweep_models(store)
    _constellations(above, store, models)
    curve = stages.pruning_curve(store)
    left, right, *last = below.subplots(1, 3 if curve else 2)
    for axes in last:
        _pruning(axes, curve)
    blocks = {
        power: power_sweep.swept_blocks(store, power)
        for power in store.config.powers
    }
    for axes, measure in ((left, "snr"), (right, "ber")):
        curves = {
            name: {
                power: snr(model, found)
                if measure == "snr"
                else count_bits(model, found, store.config.qam, power)
                for power, found in blocks.items()
            }
            for name, model in models.items()
        }
        plot_power_sweep(axes, curves, measure=measure)
        # One for both, beside what it would cover.
        axes.get_legend().remove()
    below.legend(
        *left.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        fontsize="small",
    )
    path.write_bytes(report.png(figure))
    return path


def _pruning(axes, curve):
    """SNR while the filters get shorter and the others retrain."""
    axes.plot(*zip(*curve, strict=True), marker="o", markersize=3)
    axes.invert_xaxis()
    axes.set_xlabel("Taps per step, mean")
    axes.set_ylabel("Effective SNR (dB), while training")
    axes.grid(alpha=0.3)


def _constellations(figure, store, models):
    """QAM at the launch power of the link, behind three equalizers."""
    names = list(models)
    chosen = [names[0], names[1], names[-1]]
    samples, symbols = stages.qam_blocks(store)
    sent = as_complex(symbols)
    for axes, name in zip(figure.subplots(1, 3), chosen, strict=True):
        # A long name would run into its neighbor.
        told = name.replace(", ", ",\n")
        received = as_complex(outputs(models[name], samples))
        received = align_phase(received, sent)
        noise = np.mean(np.abs(received - sent) ** 2)
        ratio = 10 * np.log10(np.mean(np.abs(sent) ** 2) / noise)
        plot_constellation(
            axes,
            received,
            Constellation(store.config.qam).points,
            limit=1.5,
            title=f"{told}: {ratio:.1f} dB",
        )
