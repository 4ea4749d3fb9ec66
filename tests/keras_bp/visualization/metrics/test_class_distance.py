"""Distances of directions in closed form."""

import numpy as np
import pytest

from keras_bp.visualization.metrics import class_distance


def test_only_directions_count():
    a = np.array([[3.0, 0.0], [1.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    b = np.array([[9.0, 0.0], [-1.0, -1.0], [0.0, 5.0], [1.0, 0.0]])
    found = class_distance(a, b)
    np.testing.assert_allclose(found, [0, 2, np.sqrt(2), 1], atol=1e-12)


def test_unrelated_maps_are_the_root_of_two_apart():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 40, 40, 1))
    np.testing.assert_allclose(class_distance(a, b), np.sqrt(2), atol=0.1)


def test_shapes_have_to_be_equal():
    with pytest.raises(ValueError, match="class_distance expects two arrays"):
        class_distance(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="at least one"):
        class_distance(np.ones((0, 3)), np.ones((0, 3)))
