"""What is drawn: panels, one scale, and errors."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.visualization import plot_attributions

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(2, 6, 5, 3))
MAPS = {
    "saliency": 0.1 * RNG.normal(size=(2, 6, 5, 3)),
    "guided": RNG.normal(size=(2, 6, 5)),
}


def drawn(style="map", images=IMAGES, **options):
    figure = Figure()
    return plot_attributions(figure, MAPS, images, style=style, **options)


def test_all_maps_have_one_scale_symmetric_about_zero():
    figure = drawn(percentile=100, titles=["a", "b"])
    panels = figure.axes[:6]
    assert [a.get_title() for a in panels[:3]] == ["input", *MAPS]
    assert [panels[i].get_ylabel() for i in (0, 3)] == ["a", "b"]
    limits = {a.images[0].get_clim() for i, a in enumerate(panels) if i % 3}
    largest = max(
        np.abs(MAPS["saliency"].sum(-1)).max(), np.abs(MAPS["guided"]).max()
    )
    assert limits == {(-largest, largest)}
    shown = panels[1].images[0].get_array()
    np.testing.assert_allclose(shown, MAPS["saliency"][0].sum(-1))


def test_an_overlay_is_as_opaque_as_the_map_is_large():
    figure = drawn("overlay")
    below, above = figure.axes[1].images
    assert below.get_cmap().name == "gray"
    opacity = above.get_alpha()
    strength = np.abs(MAPS["saliency"][0].sum(-1))
    order = strength.ravel().argsort()
    assert (np.diff(opacity.ravel()[order]) >= 0).all()


def test_a_path_gets_a_picture(tmp_path):
    plot_attributions(tmp_path / "a.png", MAPS)
    assert (tmp_path / "a.png").stat().st_size > 3_000
    plot_attributions(tmp_path / "b.png", {"zero": np.zeros((1, 4, 4))})


@pytest.mark.parametrize(
    ("maps", "images", "options", "words"),
    [
        ({"a": np.zeros((2, 6))}, None, {}, "expects maps"),
        ({}, None, {}, "expects maps"),
        ({"a": np.zeros((0, 6, 5))}, None, {}, "at least one"),
        ({**MAPS, "a": np.zeros((2, 6, 6))}, None, {}, "expects maps"),
        (MAPS, IMAGES[:1], {}, "of the same size"),
        (MAPS, None, {"style": "overlay"}, "needs"),
        (MAPS, None, {"style": "dots"}, "`style`"),
        (MAPS, None, {"percentile": 0}, "percentile"),
        (MAPS, None, {"titles": ["one"]}, "`titles`"),
        (MAPS, IMAGES[..., 0], {}, "channels"),
        ({"a": np.full((2, 6, 5), np.nan)}, None, {}, "finite maps"),
    ],
)
def test_bad_arguments_are_refused(maps, images, options, words):
    with pytest.raises(ValueError, match=words):
        plot_attributions(Figure(), maps, images, **options)
