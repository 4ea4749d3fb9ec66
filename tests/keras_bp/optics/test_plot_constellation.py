import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.optics import Constellation, plot_constellation

QAM = Constellation(16)
SYMBOLS = np.repeat(QAM.points, 50).reshape(8, 100)


def test_every_symbol_in_the_picture_is_counted_where_it_fell():
    axes = plot_constellation(Figure().subplots(), SYMBOLS, title="sent")
    counts = np.asarray(axes.collections[0].get_array())
    assert counts.sum() == 800 and np.sum(counts == 50) == 16
    assert axes.get_title() == "sent" and axes.get_xlabel() == "I"


def test_points_are_marked_once_and_the_limit_is_kept():
    axes = plot_constellation(Figure().subplots(), SYMBOLS, SYMBOLS, limit=1.5)
    assert len(axes.lines[0].get_xdata()) == 16
    np.testing.assert_allclose(axes.get_xlim(), (-1.5, 1.5))
    np.testing.assert_allclose(axes.get_ylim(), (-1.5, 1.5))


def test_one_far_symbol_does_not_shrink_the_others():
    far = np.append(np.tile(SYMBOLS.ravel(), 3), 100.0)
    axes = plot_constellation(Figure().subplots(), far)
    assert axes.get_xlim()[1] < 1.2


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="at least one symbol"):
        plot_constellation(Figure().subplots(), [])
    with pytest.raises(ValueError, match="`limit` to be greater"):
        plot_constellation(Figure().subplots(), SYMBOLS, limit=0.0)
