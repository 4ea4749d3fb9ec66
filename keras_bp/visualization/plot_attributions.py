"""Pictures of attribution maps, side by side on one scale."""

import numpy as np

from keras_bp import _checks
from keras_bp._figures import finish, new_figure

STYLES = ("map", "overlay")


def plot_attributions(
    target, maps, images=None, *, titles=None, style="map", percentile=99.0
):
    """Draws maps of several methods, an example a row and a method a column.

    All maps of all methods have one color scale, symmetric about zero, so that
    what is weak looks weak. Channels are summed. Maps of another unit, such as
    those of `grad_cam`, need a picture of their own.

    Args:
        target: Path of an image to write, or a `matplotlib.figure.Figure` to
            draw in.
        maps: Dictionary from the name of a method to maps
            `(examples, height, width)` or with channels last.
        images: Array `(examples, height, width, channels)` to be drawn in the
            first column, of any range, or None. Defaults to `None`.
        titles: Sequence of strings, one for each example, or None.
            Defaults to `None`.
        style: String. `"map"`: the map alone. `"overlay"`: over the image in
            gray, the more opaque the larger; then `images` are needed.
            Defaults to `"map"`.
        percentile: Float in (0, 100], of the sizes of all maps, where the
            color scale ends. Defaults to `99`.

    Returns:
        The figure.

    Raises:
        ImportError: A path is given, and Matplotlib is not installed.
        ValueError: There are no maps, they are not finite, or their shapes or
            the number of titles do not fit.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039, Fig. 1.
    """
    owner = "plot_attributions"
    _checks.check_one_of("style", style, STYLES, owner=owner)
    if not 0 < percentile <= 100:
        raise ValueError(
            f"{owner} expects `percentile` to be in (0, 100]. "
            f"Received: percentile={percentile}"
        )
    flat = _flat(maps, images, style, owner)
    _check_titles(titles, len(next(iter(flat.values()))), owner)
    sizes = np.concatenate([np.abs(m).ravel() for m in flat.values()])
    limit = float(np.percentile(sizes, percentile)) or 1.0
    figure = new_figure(target, owner)
    count = len(next(iter(flat.values())))
    names = ([] if images is None else ["input"]) + list(flat)
    figure.set_size_inches(1.8 * len(names) + 0.6, 1.8 * count + 0.4)
    panels = figure.subplots(count, len(names), squeeze=False)
    for row, axes in enumerate(panels):
        for one, name in zip(axes, names, strict=True):
            one.set(xticks=[], yticks=[])
            if row == 0:
                one.set_title(name, fontsize=9)
            if name == "input" and images is not None:
                _draw_image(one, images[row])
                continue
            shown = _draw_map(one, flat[name][row], limit, style, images, row)
        if titles is not None:
            axes[0].set_ylabel(str(titles[row]), fontsize=8)
    figure.colorbar(shown, ax=panels, shrink=0.8)
    return finish(figure, target)


def _flat(maps, images, style, owner):
    """Maps without channels, checked."""
    if not isinstance(maps, dict):
        raise TypeError(
            f"{owner} expects `maps` to be a dictionary. Received: "
            f"{type(maps).__module__}.{type(maps).__name__}"
        )
    flat = {}
    for name, found in maps.items():
        found = _checks.as_floats("maps", found, owner=owner)
        flat[name] = found.sum(-1) if found.ndim == 4 else found
    shapes = {m.shape for m in flat.values()}
    fits = len(shapes) == 1 and len(next(iter(shapes))) == 3
    if images is None and style == "overlay":
        fits = False
    if images is not None:
        fits = fits and np.ndim(images) == 4
        fits = fits and np.shape(images)[:3] == next(iter(shapes))
    if not fits or not next(iter(shapes))[0]:
        raise ValueError(
            f"{owner} expects maps (examples, height, width), at least one, "
            "and images (examples, height, width, channels) of the same size, "
            "which style='overlay' needs. "
            f"Received: maps of {sorted(shapes)}, images of "
            f"{None if images is None else np.shape(images)}"
        )
    broken = [name for name, m in flat.items() if not np.isfinite(m).all()]
    if broken:
        raise ValueError(
            f"{owner} expects finite maps. Received: NaN or infinity in "
            f"{broken}"
        )
    return flat


def _check_titles(titles, count, owner):
    if titles is not None and len(titles) != count:
        raise ValueError(
            f"{owner} expects one of `titles` for each of {count} examples. "
            f"Received: {len(titles)}"
        )


def _draw_image(axes, image):
    image = np.asarray(image, "float64")
    low, high = image.min(), image.max()
    image = (image - low) / (high - low if high > low else 1.0)
    if image.shape[-1] == 3:
        axes.imshow(image)
    else:
        axes.imshow(image.mean(-1), cmap="gray", vmin=0, vmax=1)


def _draw_map(axes, found, limit, style, images, row):
    opacity = None
    if style == "overlay":
        _draw_image(axes, np.mean(images[row], -1, keepdims=True))
        opacity = np.clip(np.abs(found) / limit, 0, 1)
    return axes.imshow(
        found, cmap="seismic", vmin=-limit, vmax=limit, alpha=opacity
    )
