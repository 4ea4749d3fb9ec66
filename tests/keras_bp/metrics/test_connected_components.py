import os
import pathlib
import time

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_bp.metrics import connected_components

RNG = np.random.default_rng(0)


def labeled(images, connectivity):
    shape = ndimage.generate_binary_structure(2, connectivity // 4)
    return [ndimage.label(x, shape)[1] for x in images]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.45, 0.6, 0.9])
def test_noise_has_the_components_that_scipy_labels(connectivity, share):
    images = RNG.random((200, 17, 23)) < share
    found = connected_components(images, connectivity)
    np.testing.assert_array_equal(found, labeled(images, connectivity))


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 2)])
def test_small_images_have_them_too(connectivity, shape):
    images = RNG.random((100, *shape)) < 0.5
    found = connected_components(images, connectivity)
    np.testing.assert_array_equal(found, labeled(images, connectivity))


def spiral(size):
    """One path of width 1 that winds to the middle, a pixel between turns."""
    image = np.zeros((size, size), bool)
    row, column, step = 0, 0, (0, 1)
    image[0, 0] = True
    while True:
        ahead = row + 2 * step[0], column + 2 * step[1]
        inside = all(0 <= place < size for place in ahead)
        if not inside or image[ahead]:
            step = step[1], -step[0]
            ahead = row + 2 * step[0], column + 2 * step[1]
            inside = all(0 <= place < size for place in ahead)
            if not inside or image[ahead]:
                return image
        row, column = row + step[0], column + step[1]
        image[row, column] = True


def comb(size):
    """Teeth that meet in the last row alone."""
    image = np.zeros((size, size), bool)
    image[:, ::2] = image[-1] = True
    return image


def test_long_paths_are_one_component():
    images = np.array([spiral(45), spiral(45).T, spiral(45)[::-1], comb(45)])
    np.testing.assert_array_equal(connected_components(images, 4), 1)
    np.testing.assert_array_equal(connected_components(images, 8), 1)
    images[:, 22, :] = False
    for connectivity in (4, 8):
        np.testing.assert_array_equal(
            connected_components(images, connectivity),
            labeled(images, connectivity),
        )


def test_a_checkerboard_is_one_or_as_many_as_its_pixels():
    board = np.indices((1, 10, 10)).sum(axis=0) % 2
    assert connected_components(board, 8) == 1
    assert connected_components(board, 4) == 50


def test_empty_and_full_images():
    images = np.stack([np.zeros((6, 6)), np.ones((6, 6)), np.zeros((6, 6))])
    np.testing.assert_array_equal(connected_components(images), [0, 1, 0])
    np.testing.assert_array_equal(connected_components(images[:1]), [0])


def test_neither_rows_nor_images_wrap_around():
    images = np.zeros((2, 4, 4))
    images[:, :2, 3] = images[:, 2:, 0] = 1
    images[:, 3, 3] = images[:, 0, 0] = 1
    for connectivity in (4, 8):
        np.testing.assert_array_equal(
            connected_components(images, connectivity), [4, 4]
        )


def test_images_are_counted_in_parts(monkeypatch):
    images = RNG.random((50, 8, 8)) < 0.4
    expected = connected_components(images)
    module = connected_components.__globals__
    for pixels in (1, 64, 1000):
        monkeypatch.setitem(module, "_CHUNK", pixels)
        np.testing.assert_array_equal(connected_components(images), expected)


def test_tensors_with_a_channel_are_images():
    images = tf.constant([[[[1.0], [0.0]], [[0.0], [1.0]]]])
    assert connected_components(images) == 1
    assert connected_components(images, connectivity=4) == 2


def test_ten_thousand_images_take_seconds():
    # As noisy as images get; a loop over images would take longer.
    images = RNG.random((10_000, 28, 28)) < 0.2
    begin = time.process_time()
    connected_components(images)
    assert time.process_time() - begin < 10


@pytest.mark.slow
def test_digits_are_one_component_mostly():
    path = pathlib.Path(os.environ.get("KERAS_BP_DATA", "")) / "mnist.npz"
    if not path.is_file():
        pytest.skip("needs mnist.npz in the folder KERAS_BP_DATA")
    with np.load(path) as data:
        images = data["x_train"][:5000] > 0
    found = connected_components(images)
    # Of all 70,000: 1.033.
    assert 1.02 < found.mean() < 1.06
    np.testing.assert_array_equal(found, labeled(images, 8))


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="components expects `connectivity`"):
        connected_components(np.ones((1, 3, 3)), connectivity=0)
    with pytest.raises(ValueError, match=r"components expects.*shape=\(3, 3\)"):
        connected_components(np.ones((3, 3)))
    with pytest.raises(ValueError, match="components.*hold 0 and 1"):
        connected_components(np.full((1, 3, 3), np.nan))
