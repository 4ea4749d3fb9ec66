"""The picture of `examples.backprop_q`."""

import pathlib

from examples import report

_COLORS = {
    "score": "#7f7f7f",
    "all_action": "#d62728",
    "reparameterized": "#2ca02c",
    "advantage": "#ff7f0e",
    "control_variate": "#1f77b4",
}
# Below it a bias is rounding, and so is a variance.
_LEAST = 1e-6


def draw(rows, path):
    """Bias and variance of each mode on each graph.

    Args:
        rows: List of `results.Row`.
        path: Path of the PNG file.

    Returns:
        `path`.
    """
    from matplotlib.figure import Figure

    found = {}
    for row in rows:
        graph, _, mode = row.name.partition(", ")
        if mode:
            found.setdefault(row.metric, {}).setdefault(mode, {})[graph] = row
    graphs = list(dict.fromkeys(row.name.split(", ")[0] for row in rows))
    figure = Figure(
        figsize=(10, 1.6 + 0.32 * len(graphs)), layout="constrained"
    )
    sides = figure.subplots(1, 2, sharey=True)
    for axes, metric, words in (
        (sides[0], "bias of the gradient", "bias, of the exact gradient"),
        (sides[1], "variance of one estimate", "variance of one estimate"),
    ):
        _points(axes, found.get(metric, {}), graphs)
        axes.set_xlabel(words)
    sides[0].set_yticks(range(len(graphs)), graphs)
    sides[0].invert_yaxis()
    handles, labels = sides[1].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=5, fontsize=8
    )
    pathlib.Path(path).write_bytes(report.png(figure, dpi=90))
    return path


def _points(axes, modes, graphs):
    for index, (mode, color) in enumerate(_COLORS.items()):
        known = modes.get(mode, {})
        places = [i for i, graph in enumerate(graphs) if graph in known]
        if not places:
            continue
        own = [known[graphs[i]] for i in places]
        y = [i + 0.12 * (index - 2) for i in places]
        values = [max(row.value, _LEAST) for row in own]
        axes.scatter(values, y, s=14, color=color, label=mode)
        # Of a bias the range within which it is known.
        low = [
            max(x.low, _LEAST) if x.low is not None else v
            for x, v in zip(own, values, strict=True)
        ]
        high = [
            max(x.high, _LEAST) if x.high is not None else v
            for x, v in zip(own, values, strict=True)
        ]
        axes.hlines(y, low, high, color=color, linewidth=1)
    axes.set_xscale("log")
    axes.grid(alpha=0.3)
