"""The pictures of the spectral GANs."""

import io

import numpy as np

from examples import report
from examples.intervals import interval
from examples.spectral_parts.config import Run
from keras_bp.callbacks import image_grid
from keras_bp.spectral import Ascent, plot_ascent, plot_traversal

# Of the pictures; a difference of channels below which a pixel is gray.
_GRAYS, _COLORS, _NEARLY_GRAY = 64, 64, 8


def draw(summary, folder):
    """Draws arms, samples, ascents and paths.

    Args:
        summary: `Summary`.
        folder: `pathlib.Path`.

    Returns:
        List of paths of PNG files.
    """
    first = {
        arm: summary.store.weights(Run(arm, min(found)).name)
        for arm, found in summary.records.items()
    }
    if not first:
        return []
    pictures = {"arms.png": _arms(summary, first)}
    pictures["samples.png"] = _samples(first)
    plain = first.get("none") or next(iter(first.values()))
    pictures["ascent.png"] = _ascent(plain)
    pictures["paths.png"] = _paths(plain)
    for name, figure in pictures.items():
        (folder / name).write_bytes(_png(figure))
    return [folder / name for name in pictures]


def _png(figure):
    """A PNG of few colors, which takes a third of the bytes."""
    from PIL import Image

    picture = Image.open(io.BytesIO(report.png(figure, dpi=90))).convert("RGB")
    buffer = io.BytesIO()
    few = _with_grays(picture)
    few.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _with_grays(picture):
    """The picture in few colors, with grays among them that stay gray."""
    from PIL import Image

    pixels = np.asarray(picture)
    gray = pixels.max(axis=-1) - pixels.min(axis=-1) < _NEARLY_GRAY
    colors = pixels[~gray] if not gray.all() else pixels[:1, 0]
    colored = Image.fromarray(colors[None]).quantize(_COLORS)
    shades = np.linspace(0, 255, _GRAYS).round().astype("uint8")
    found = np.zeros((_GRAYS + _COLORS, 3), "uint8")
    found[:_GRAYS] = shades[:, None]
    given = np.array(colored.getpalette(), "uint8").reshape(-1, 3)[:_COLORS]
    found[_GRAYS : _GRAYS + len(given)] = given
    places = np.round(pixels[..., 0] / 255 * (_GRAYS - 1)).astype("uint8")
    places[~gray] = _GRAYS + np.asarray(colored)[0] if not gray.all() else 0
    made = Image.fromarray(places, "P")
    made.putpalette(found.ravel().tolist())
    return made


def _figure(*size):
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _arms(summary, first):
    figure = _figure(13, 3.8)
    spectra, quality, likelihood, shares = figure.subplots(1, 4)
    for index, arm in enumerate(summary.records):
        color = f"C{index}"
        values = np.exp(np.log(first[arm]["spectrum"] + 1e-15).mean(axis=0))
        places = np.arange(1, len(values) + 1)
        spectra.plot(places, values, ".-", color=color, label=arm)
        quality.plot(
            summary.values(arm, "condition"),
            summary.values(arm, "FD"),
            "o",
            color=color,
        )
    spectra.set_yscale("log")
    spectra.set_title("singular values by rank, first seed", fontsize=9)
    quality.set_xscale("log")
    quality.set_title("Fréchet distance against condition", fontsize=9)
    _bars(likelihood, summary, ("samples", "held out", "sphere", "free"))
    likelihood.set_title("log-likelihood, nats", fontsize=9)
    _bars(shares, summary, ("eigenvectors", "random"))
    shares.set_title("concentration of changes", fontsize=9)
    for axes in (spectra, quality, likelihood, shares):
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7, which="both")
    figure.legend(
        *spectra.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(summary.records),
        fontsize=8,
    )
    return figure


def _bars(axes, summary, measures):
    """Means and intervals of measures, a color an arm."""
    for index, arm in enumerate(summary.records):
        offset = 0.12 * (index - (len(summary.records) - 1) / 2)
        bounds = [interval(summary.values(arm, m)) for m in measures]
        mean, low, high = np.array(bounds).T
        axes.errorbar(
            np.arange(len(measures)) + offset,
            mean,
            yerr=[mean - low, high - mean],
            fmt="o",
            ms=4,
            capsize=2,
            color=f"C{index}",
        )
    axes.set_xticks(range(len(measures)), measures, fontsize=8)


def _samples(first):
    figure = _figure(3.4 * len(first), 3.6)
    panels = figure.subplots(1, len(first), squeeze=False)[0]
    for axes, (arm, arrays) in zip(panels, first.items(), strict=True):
        picture = image_grid(np.clip(arrays["samples"], 0, 1), columns=6)
        axes.imshow(
            picture[..., 0], "gray", vmin=0, vmax=255, interpolation="nearest"
        )
        axes.set_title(arm, fontsize=9)
        axes.axis("off")
    return figure


def _ascent(arrays):
    found = Ascent(
        None,
        arrays["ascent free"],
        arrays["trace free"],
        None,
        arrays["ascent start"],
    )
    return plot_ascent(_figure(9, 4.6), found)


def _paths(arrays):
    rows = {}
    for kind, label in (("eigenvectors", "eigenvector"), ("random", "random")):
        for i, images in enumerate(arrays[f"path {kind}"]):
            rows[f"{label} {i + 1}"] = images[None]
    return plot_traversal(_figure(9, 6), rows)
