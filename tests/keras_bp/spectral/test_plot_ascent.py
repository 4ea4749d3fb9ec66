import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.spectral.ascend_likelihood import Ascent
from keras_bp.spectral.plot_ascent import plot_ascent

RNG = np.random.default_rng(0)


def ascent(shape, batch=3):
    made = [RNG.normal(size=(batch, *shape)) for _ in range(2)]
    trace = np.sort(RNG.normal(size=(5, batch)), axis=0)
    z = np.zeros((batch, 2))
    return Ascent(z, made[1], trace, z, made[0], 0 * trace[0])


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((4, 5), None), ((4, 5, 1), None), ((4, 5, 3), None), ((20,), (4, 5))],
)
def test_the_start_is_above_the_end_on_one_scale(shape, image_shape, tmp_path):
    found = ascent(shape)
    figure = plot_ascent(Figure(), found, image_shape, examples=2)
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 4
    low, high = found.start_outputs[:2].min(), found.start_outputs[:2].max()
    for image, made in zip(
        images, [*found.start_outputs[:2], *found.outputs[:2]], strict=True
    ):
        wanted = np.clip((made - low) / (high - low), 0, 1)
        np.testing.assert_allclose(
            np.asarray(image.get_array()).ravel(), wanted.ravel(), rtol=1e-6
        )
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    trace = found.log_likelihood
    assert titles == [f"{x:.1f}" for x in [*trace[0, :2], *trace[-1, :2]]]
    lines = figure.axes[-1].lines
    assert len(lines) == 3
    np.testing.assert_array_equal(lines[2].get_ydata(), trace[:, 2])


def test_a_path_gets_a_picture(tmp_path):
    plot_ascent(tmp_path / "a.png", ascent((4, 4)))
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((20,), None), ((20,), (4, 4)), ((4, 4, 2), None)],
)
def test_what_is_no_image_is_refused(shape, image_shape):
    with pytest.raises(ValueError, match="plot_ascent expects outputs that"):
        plot_ascent(Figure(), ascent(shape), image_shape)
