"""Pictures: maps of random and trained networks, and class distances."""

import keras
import numpy as np

from examples import report
from examples.visualization_parts import networks
from keras_bp.visualization import Attributor, plot_attributions

RULES = ("saliency", "deconvnet", "guided")


def draw_maps(images, config, path, seed=0):
    """Maps of one image a row: of random and trained networks, and pooling.

    Args:
        images: `data.Images`.
        config: `config.Config`.
        path: `pathlib.Path`.
        seed: Integer.
    """
    x, deep = images.test[:3], config.depths[-1]
    made = {}
    keras.utils.set_random_seed(seed)
    for pool in (None, "max"):
        label = "max-pooling" if pool else "random"
        made[label] = networks.convolutional(
            x.shape[1:], images.classes, deep, config.filters, pool
        )
    made["trained"], _ = networks.trained(
        images, config.depth, config.trained_filters, None, config.epochs, seed
    )
    maps = {}
    for label, model in made.items():
        for rule in RULES:
            found = Attributor(model, rule)(x)
            # Each rule has a scale of its own by orders of magnitude.
            size = np.abs(found).max((1, 2, 3), keepdims=True)
            maps[f"{rule},\n{label}"] = found / np.where(size > 0, size, 1)
    plot_attributions(path, maps, x)
    return path


def draw_distances(summary, path):
    """Class distance over recovery, of each network and rule."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    markers = {"None": "o", "max": "s", "average": "^"}
    for pool, marker in markers.items():
        for index, rule in enumerate(RULES):
            points = [
                [
                    np.mean(summary.random(pool, depth, rule, what))
                    for what in ("recovery", "distance")
                ]
                for depth in summary.config.depths
            ]
            axes.plot(
                *np.transpose(points),
                marker,
                color=f"C{index}",
                ms=5,
                label=f"{rule}, random, pooling {pool}",
            )
    for pool, marker in (("none", "*"), ("max", "P")):
        for index, rule in enumerate(RULES):
            point = [
                np.mean(summary.values(pool, "rules", rule, what))
                for what in ("recovery", "distance")
            ]
            axes.plot(
                *point,
                marker,
                color=f"C{index}",
                ms=10,
                mec="black",
                label=f"{rule}, trained, pooling {pool}",
            )
    axes.axhline(np.sqrt(2), color="black", lw=0.7, ls=":")
    axes.set(
        xlabel="correlation of map and image",
        ylabel="distance of the maps of two classes",
        title=summary.name,
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
    path.write_bytes(report.png(figure, dpi=90))
    return path
