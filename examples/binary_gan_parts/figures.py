"""The pictures of generated digits."""

import io

import numpy as np

from examples import report
from examples.binary_gan_parts.summary import ends_of
from keras_bp.callbacks import image_grid

_SHOWN = 32
_COLUMNS = 8
_PALETTE = 64
_END = {"threshold": "threshold", "bernoulli": "Bernoulli"}
# How the lines of a kind look: by neuron and end, by variant, and by preset
# and objective. Of other variants there are rows alone.
_COLORS = {
    ("dbn", "threshold"): "tab:blue",
    ("sbn", "bernoulli"): "tab:orange",
    ("real", "threshold"): "tab:green",
    ("real", "bernoulli"): "tab:red",
}
_LINES = {"paper": "-", "published": "--"}
_MARKERS = {
    ("mlp", "wgan-gp"): "o",
    ("mlp", "wgan"): "v",
    ("mlp", "gan"): "x",
    ("cnn", "wgan-gp"): "s",
    ("cnn", "wgan"): "^",
    ("cnn", "gan"): "+",
}


def draw(summary, folder):
    """Draws samples and histograms, and measures over the epochs.

    Args:
        summary: `Summary`.
        folder: `pathlib.Path`.

    Returns:
        List of paths of PNG files.
    """
    panels = _panels(summary)
    if not panels:
        return []
    pictures = {
        folder / "samples.png": _samples(summary, panels),
        folder / "curves.png": _curves(summary),
    }
    for path, figure in pictures.items():
        path.write_bytes(_png(figure))
    return list(pictures)


def _png(figure):
    """A PNG of few colors, which takes a third of the bytes."""
    from PIL import Image

    picture = Image.open(io.BytesIO(report.png(figure, dpi=80)))
    buffer = io.BytesIO()
    few = picture.convert("RGB").quantize(_PALETTE)
    few.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _panels(summary):
    """Longest runs of each kind: title, bits, and shares of probabilities."""
    found = []
    for kind, members in _drawn(summary):
        run, record = max(members, key=_last)
        epoch = _last((run, record))
        if not epoch:
            continue
        pictures = summary.store.weights(f"{run.name}-{epoch}")
        shares = record["evaluations"][str(epoch)]["histogram"]["shares"]
        for end in pictures:
            if end in _END:
                title = f"{_label(kind, run, end)} ({epoch})"
                found.append((title, pictures[end], shares))
    return found


def _drawn(summary):
    """The kinds that are drawn, and their runs."""
    return [
        (kind, members)
        for kind, members in summary.kinds().items()
        if members[0][0].variant in _LINES
    ]


def _label(kind, run, end):
    short = kind.replace(" paper", "").replace("wgan-gp ", "")
    return f"{short}, {_END[end]}" if run.neuron == "real" else short


def _samples(summary, panels):
    from matplotlib.figure import Figure

    columns = 5
    rows = -(-(len(panels) + 1) // columns)
    figure = Figure(figsize=(13, 2.2 * rows), layout="constrained")
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
    for kind, members in _drawn(summary):
        run = members[0][0]
        for end, by_epoch in _by_end(members).items():
            look = {
                "label": _label(kind, run, end),
                "color": _COLORS[run.neuron, end],
                "ls": _LINES[run.variant],
                "marker": _MARKERS[run.preset, run.objective],
            }
            for measure, panel in axes.items():
                _line(panel, by_epoch, measure, look)
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


def _last(member):
    """The last epoch after which a run was evaluated; 0, where none was."""
    return max((int(x) for x in member[1]["evaluations"]), default=0)


def _by_end(members):
    """Measures of all runs of a kind, by the end and then by the epoch."""
    found = {}
    for _, record in members:
        for epoch, evaluation in record["evaluations"].items():
            for end in ends_of(evaluation):
                by_epoch = found.setdefault(end, {})
                by_epoch.setdefault(int(epoch), []).append(evaluation[end])
    return found


def _line(panel, by_epoch, measure, look):
    epochs = sorted(by_epoch)
    values = [[_single(x[measure]) for x in by_epoch[e]] for e in epochs]
    means = [np.mean(x) for x in values]
    panel.plot(epochs, means, ms=4, lw=1, **look)
    panel.fill_between(
        epochs,
        [min(x) for x in values],
        [max(x) for x in values],
        color=look["color"],
        alpha=0.2,
        lw=0,
    )


def _single(value):
    return value[0] if isinstance(value, list) else value
