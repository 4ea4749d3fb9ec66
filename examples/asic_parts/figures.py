"""The fronts of both families."""

import numpy as np

from examples import report
from examples.asic_parts.compare import FAMILIES
from examples.asic_parts.gates import gates_name
from examples.asic_parts.sweep import adder_cost, chain, cheapest, front

_COLORS = {"LS": "#d62728", "learned": "#1f77b4"}
_PANELS = {
    "area": "area of a filter in µm²",
    "energy_unit": "energy of a filter in pJ per sample",
}


def draw(store, sweep, liberty, path):
    """SNR against full adders, and against area and energy of the gates.

    Args:
        store: `Store`, of a run that has measured designs.
        sweep: `Sweep`.
        liberty: `tflite_export.cost.Liberty` of the gates, or None for none.
        path: `pathlib.Path` of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for family in FAMILIES:
        _adders(panels[0], store, sweep, family)
        for axes, (key, label) in zip(panels[1:], _PANELS.items(), strict=True):
            if liberty is not None:
                _gates(axes, store, sweep, liberty, family, key)
            axes.set_xlabel(label)
    panels[0].set_xlabel("full adders of a filter")
    for axes in panels:
        for level in sweep.levels:
            axes.axhline(level, color="#999", linewidth=0.6, linestyle=":")
        axes.set_ylabel("effective SNR in dB")
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    path.write_bytes(report.png(figure))
    return path


def _adders(axes, store, sweep, family):
    designs = front(store, sweep, family, sweep.levels[0] - 1.5)
    if not designs:
        return
    costs = []
    for design in designs:
        integers = chain(store, sweep, design)
        costs.append(adder_cost(integers) / (len(integers.stages) // 2))
    order = np.argsort(costs)
    points = [(costs[i], designs[i].snr, designs[i]) for i in order]
    best, kept, labelled = -np.inf, [], (-np.inf, -np.inf)
    for cost, value, design in points:
        if value <= best:
            continue
        best = value
        kept.append((cost, value))
        # Where there is room for it.
        if value - labelled[1] > 0.1 or cost - labelled[0] > 200:
            labelled = cost, value
            label = f"{'/'.join(map(str, np.atleast_1d(design.taps)))}x"
            label += f"{design.tap_bits}, {design.signal_bits}"
            axes.annotate(
                label,
                (cost, value),
                fontsize=6,
                xytext=(4, -6),
                textcoords="offset points",
            )
    x, y = zip(*[point[:2] for point in points], strict=True)
    axes.scatter(x, y, s=8, alpha=0.4, color=_COLORS[family])
    axes.plot(*zip(*kept, strict=True), color=_COLORS[family], label=family)


def _gates(axes, store, sweep, liberty, family, key):
    points = set()
    for level in sweep.levels:
        found = cheapest(store, sweep, level, family)
        if found is None:
            continue
        design = found[0]
        kept = store.numbers(gates_name(design, liberty, "constant", "filters"))
        if kept:
            points.add((kept[key], design.snr))
    if points:
        x, y = zip(*sorted(points), strict=True)
        axes.plot(x, y, "o-", color=_COLORS[family], label=family)
