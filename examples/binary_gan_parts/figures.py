"""The pictures of generated digits."""

import numpy as np

from examples import report
from keras_bp.callbacks import image_grid

_SHOWN = 32
_COLUMNS = 8
_END = {"threshold": "threshold", "bernoulli": "Bernoulli"}


def draw(summary, folder):
    """Draws samples and histograms, and measures over the epochs.

    Args:
        summary: `Summary`.
        folder: `pathlib.Path`.

    Returns:
        List of paths of PNG files.
    """
    found = []
    panels = _panels(summary)
    if panels:
        figure = _samples(summary, panels)
        found.append(folder / "samples.png")
        found[-1].write_bytes(report.png(figure, dpi=80))
        figure = _curves(summary)
        found.append(folder / "curves.png")
        found[-1].write_bytes(report.png(figure, dpi=80))
    return found


def _panels(summary):
    """First runs of each kind: title, bits, and shares of probabilities."""
    found = []
    for kind, members in summary.kinds().items():
        run, record = members[0]
        if (
            run.variant not in ("paper", "published")
            or not record["evaluations"]
        ):
            continue
        epoch = max(int(x) for x in record["evaluations"])
        pictures = summary.store.weights(f"{run.name}-{epoch}")
        shares = record["evaluations"][str(epoch)]["histogram"]["shares"]
        for end in pictures:
            if end in _END:
                title = kind.replace(" paper", "").replace("wgan-gp ", "")
                if run.neuron == "real":
                    title += f", {_END[end]}"
                title += f" ({epoch})"
                found.append((title, pictures[end], shares))
    return found


def _samples(summary, panels):
    from matplotlib.figure import Figure

    columns = 5
    rows = -(-(len(panels) + 1) // columns)
    figure = Figure(figsize=(13, 3.6 * rows), layout="constrained")
    cells = figure.subfigures(rows, columns, squeeze=False).ravel()
    real = summary.images.test[:: len(summary.images.test) // _SHOWN]
    _panel(cells[0], "test images", real, None)
    for cell, (title, bits, shares) in zip(cells[1:], panels, strict=False):
        _panel(cell, title, bits, shares)
    return figure


def _panel(cell, title, bits, shares):
    above, below = cell.subplots(2, 1, height_ratios=(3, 1))
    picture = image_grid(bits[:_SHOWN], columns=_COLUMNS)
    above.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=255)
    above.set_title(title, fontsize=9)
    above.axis("off")
    if shares is None:
        below.axis("off")
        return
    below.bar(np.arange(256), np.asarray(shares), width=1.0, log=True)
    below.set_ylim(1e-5, 1)
    below.set_xticks((0, 128, 255), ("0", "½", "1"), fontsize=7)
    below.tick_params(axis="y", labelsize=7)


def _curves(summary):
    """Measures after some epochs, mean and range of seeds."""
    from matplotlib.figure import Figure

    shown = ("FD", "coverage", "iso4", "components")
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    axes = dict(zip(shown, figure.subplots(1, len(shown)), strict=True))
    for kind, members in summary.kinds().items():
        ends = {}
        for _, record in members:
            for epoch, found in record["evaluations"].items():
                for end in set(found) - {"histogram"}:
                    ends.setdefault(end, {}).setdefault(int(epoch), []).append(
                        found[end]
                    )
        for end, by_epoch in ends.items():
            label = f"{kind}, {end}" if len(ends) > 1 else kind
            for measure, panel in axes.items():
                _line(panel, label, by_epoch, measure)
    for measure, panel in axes.items():
        panel.axhline(_single(summary.data[measure]), color="black", lw=1)
        panel.set_title(f"{measure}; black: test images", fontsize=9)
        panel.set_xlabel("epochs")
        panel.grid(alpha=0.3)
        if measure != "coverage":
            panel.set_yscale("log")
    handles, labels = axes["FD"].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, fontsize=7
    )
    return figure


def _line(panel, label, by_epoch, measure):
    epochs = sorted(by_epoch)
    values = [[_single(x[measure]) for x in by_epoch[e]] for e in epochs]
    means = [np.mean(x) for x in values]
    (line,) = panel.plot(epochs, means, "o-", ms=3, lw=1, label=label)
    panel.fill_between(
        epochs,
        [min(x) for x in values],
        [max(x) for x in values],
        color=line.get_color(),
        alpha=0.2,
        lw=0,
    )


def _single(value):
    return value[0] if isinstance(value, list) else value
