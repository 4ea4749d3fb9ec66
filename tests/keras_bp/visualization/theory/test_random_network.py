"""The random network: its weights and seeds."""

import numpy as np
import pytest

from keras_bp.visualization.theory import random_network


def test_weights_have_the_deviations_that_are_given():
    model = random_network(
        (9, 9, 2), 200, (3, 5), kernel_std=0.1, head_std=3.0, seed=1
    )
    kernel, head = model.get_weights()
    assert kernel.shape == (3, 5, 2, 200) and head.shape == (7 * 5 * 200, 2)
    assert abs(kernel.std() / 0.1 - 1) < 0.05
    assert abs(head.std() / 3 - 1) < 0.05
    assert model.layers[0].activation.__name__ == "relu"


def test_a_seed_makes_the_same_network():
    a, b, c = (
        random_network((4, 4, 1), 5, seed=s).get_weights() for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])
    assert np.abs(a[0] - c[0]).max() > 0.1
    # Filters and head do not share their noise.
    assert np.abs(a[0].ravel()[:5] - a[1].ravel()[:5]).max() > 0.1


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`num_filters`"):
        random_network((4, 4, 1), 0)
    with pytest.raises(ValueError, match="`kernel_std`"):
        random_network((4, 4, 1), 2, kernel_std=0.0)
    with pytest.raises(ValueError, match="`head_std`"):
        random_network((4, 4, 1), 2, head_std=-1.0)
    with pytest.raises(ValueError, match="`classes`"):
        random_network((4, 4, 1), 2, classes=0)
