"""The picture of what `ascend_likelihood` found."""

import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._figures import finish, new_figure
from keras_bp.spectral._pictures import draw, images_of
from keras_bp.spectral.ascend_likelihood import Ascent


def plot_ascent(target, ascent, image_shape=None, examples=8):
    """Draws outputs before and after an ascent, and the likelihoods between.

    The first row shows the outputs of the start, the second those of the end,
    with their implicit log-likelihoods above, in nats; below are those of all
    examples over the steps.

    Args:
        target: Path of an image to write, or a `matplotlib.figure.Figure` to
            draw in.
        ascent: `Ascent`, as `ascend_likelihood` returns it.
        image_shape: Tuple `(height, width)`, or with 1 or 3 channels, of an
            output that is flat; or None if an output is an image. Defaults to
            `None`.
        examples: Positive integer, how many are shown. Defaults to `8`.

    Returns:
        The figure.

    Raises:
        ImportError: A path is given, and Matplotlib is not installed.
        ValueError: Outputs are no images.
    """
    owner = "plot_ascent"
    if not isinstance(ascent, Ascent):
        raise TypeError(
            f"{owner} expects `ascent` to be what `ascend_likelihood` "
            f"returned. Received: ascent={ascent!r}"
        )
    _checks.check_integer("examples", examples, minimum=1, owner=owner)
    before, after = (
        images_of(x, image_shape, 1, owner)[:examples]
        for x in (ascent.start_outputs, ascent.outputs)
    )
    likelihood = np.asarray(ops.convert_to_numpy(ascent.log_likelihood))
    low, high = before.min(), before.max()
    count = len(before)
    figure = new_figure(target, owner)
    figure.set_size_inches(max(4.0, 1.1 * count + 0.6), 4.6)
    grid = figure.add_gridspec(3, count, height_ratios=(1, 1, 1.4))
    for row, (images, values, name) in enumerate(
        [(before, likelihood[0], "start"), (after, likelihood[-1], "end")]
    ):
        for column, image in enumerate(images):
            axes = figure.add_subplot(grid[row, column])
            draw(axes, image, low, high)
            axes.set_title(f"{values[column]:.1f}", fontsize=8)
            if column == 0:
                axes.set_ylabel(name, fontsize=8)
    axes = figure.add_subplot(grid[2, :])
    axes.plot(likelihood, lw=0.8)
    axes.set_xlabel("step", fontsize=8)
    axes.set_ylabel("log-likelihood, nats", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    return finish(figure, target)
