import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.spectral.plot_traversal import plot_traversal
from keras_bp.spectral.traverse import Traversal

RNG = np.random.default_rng(0)


def test_each_path_is_a_row_on_one_scale():
    first = RNG.random((2, 3, 4, 4, 1))
    second = 5 * RNG.random((2, 3, 4, 4, 1))
    paths = {"first": Traversal(None, first, None, None), "second": second}
    figure = plot_traversal(Figure(), paths, example=1)
    made = np.concatenate([first[1], second[1]])[..., 0]
    low, high = made.min(), made.max()
    assert len(figure.axes) == 6
    for axes, image in zip(figure.axes, made, strict=True):
        np.testing.assert_allclose(
            axes.images[0].get_array(), (image - low) / (high - low), rtol=1e-6
        )
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["first", "second"]


def test_a_path_gets_a_picture(tmp_path):
    path = tmp_path / "a.png"
    plot_traversal(path, {"a": RNG.random((1, 3, 16))}, image_shape=(4, 4))
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="plot_traversal expects paths, at le"):
        plot_traversal(Figure(), {})
    paths = {"a": RNG.random((1, 3, 4, 4)), "b": RNG.random((1, 5, 4, 4))}
    with pytest.raises(ValueError, match=r"'a': 3, 'b': 5"):
        plot_traversal(Figure(), paths)
    with pytest.raises(ValueError, match="plot_traversal expects outputs that"):
        plot_traversal(Figure(), {"a": RNG.random((1, 3, 16))})
