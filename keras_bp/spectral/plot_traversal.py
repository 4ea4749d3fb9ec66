"""The picture of paths through the latents of a generator."""

from keras_bp import _checks
from keras_bp._figures import finish, new_figure
from keras_bp.spectral._pictures import draw, images_of


def plot_traversal(target, paths, image_shape=None, example=0):
    """Draws the outputs along paths, a path a row.

    The start is in the middle of each row.

    Args:
        target: Path of an image to write, or a `matplotlib.figure.Figure` to
            draw in.
        paths: Dictionary from the name of a path to a `Traversal`, or to its
            outputs `(batch, points, ...)`; all of one number of points.
        image_shape: Tuple `(height, width)`, or with 1 or 3 channels, of an
            output that is flat; or None if an output is an image. Defaults to
            `None`.
        example: Integer, which of the batch is shown. Defaults to `0`.

    Returns:
        The figure.

    Raises:
        ImportError: A path is given, and Matplotlib is not installed.
        ValueError: There are no paths, their numbers of points differ, or
            outputs are no images.
    """
    owner = "plot_traversal"
    if not isinstance(paths, dict):
        raise TypeError(
            f"{owner} expects `paths` to be a dictionary of names and paths. "
            f"Received: paths={paths!r}"
        )
    _checks.check_integer("example", example, owner=owner)
    rows = {
        name: _example(path, image_shape, example, owner)
        for name, path in paths.items()
    }
    counts = {len(images) for images in rows.values()}
    if len(counts) != 1:
        raise ValueError(
            f"{owner} expects paths, at least one, of one number of points. "
            f"Received: { ({name: len(x) for name, x in rows.items()}) }"
        )
    (count,) = counts
    low = min(images.min() for images in rows.values())
    high = max(images.max() for images in rows.values())
    figure = new_figure(target, owner)
    figure.set_size_inches(0.7 * count + 1.4, 0.75 * len(rows) + 0.3)
    panels = figure.subplots(len(rows), count, squeeze=False)
    for axes, (name, images) in zip(panels, rows.items(), strict=True):
        for one, image in zip(axes, images, strict=True):
            draw(one, image, low, high)
        axes[0].set_ylabel(
            name, fontsize=8, rotation=0, ha="right", va="center"
        )
        for spine in axes[count // 2].spines.values():
            spine.set_edgecolor("tab:red")
    return finish(figure, target)


def _example(path, image_shape, example, owner):
    images = images_of(getattr(path, "outputs", path), image_shape, 2, owner)
    if not -len(images) <= example < len(images):
        raise ValueError(
            f"{owner} expects `example` to be one of {len(images)}. "
            f"Received: example={example}"
        )
    return images[example]
