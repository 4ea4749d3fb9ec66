import os
import pathlib

import numpy as np
import pytest

from keras_bp.metrics import total_variation

RNG = np.random.default_rng(0)


def test_hand_made_images_have_the_counts_of_a_look():
    images = np.zeros((5, 4, 4))
    images[1, 1, 1] = 1  # Four sides.
    images[2, 0, 0] = 1  # Two of them at the border.
    images[3, 1:3] = 1  # Two edges of four pixels.
    images[4] = 1
    np.testing.assert_array_equal(total_variation(images), [0, 4, 2, 8, 0])


def test_a_checkerboard_changes_everywhere():
    board = np.indices((1, 5, 7)).sum(axis=0) % 2
    assert total_variation(board) == 4 * 7 + 5 * 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 4)])
def test_it_is_the_sum_of_differences(shape):
    images = RNG.integers(0, 2, (30, *shape))
    expected = [
        np.abs(np.diff(x, axis=0)).sum() + np.abs(np.diff(x, axis=1)).sum()
        for x in images
    ]
    np.testing.assert_array_equal(total_variation(images), expected)
    channel = images.astype("float32")[..., None]
    np.testing.assert_array_equal(total_variation(channel), expected)
    np.testing.assert_array_equal(total_variation(1 - images), expected)


@pytest.mark.slow
def test_digits_have_a_hundred():
    path = pathlib.Path(os.environ.get("KERAS_BP_DATA", "")) / "mnist.npz"
    if not path.is_file():
        pytest.skip("needs mnist.npz in the folder KERAS_BP_DATA")
    with np.load(path) as data:
        images = data["x_train"][:5000] > 0
    found = total_variation(images)
    # Of all 70,000: 100.6, with a standard deviation of 21.6.
    assert abs(found.mean() - 100.6) < 4 * 21.6 / np.sqrt(len(images))
    assert abs(found.std() - 21.6) < 1


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="variation expects `images` of shape"):
        total_variation(np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"hold 0 and 1.*Received: \[0.5\]"):
        total_variation(np.full((1, 4, 4), 0.5))
