import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_bp.metrics import isolated_pixels

RNG = np.random.default_rng(0)

# Of 4 neighbors, then of 8, by hand.
PICTURES = [
    (["...", ".#.", "..."], 1, 1),
    (["#..", ".#.", "..#"], 3, 0),
    (["#.#", "...", "#.#"], 4, 4),
    (["##.", "...", "..#"], 1, 1),
    (["###", "###", "###"], 0, 0),
    (["...", "...", "..."], 0, 0),
    (["..#", ".#.", "..."], 2, 0),
    (["..#", "..#", "#.."], 1, 1),
    (["#..", "#..", "..#"], 1, 1),
]


def picture(rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows])


@pytest.mark.parametrize(("rows", "of_4", "of_8"), PICTURES)
def test_hand_made_images_have_the_counts_of_a_look(rows, of_4, of_8):
    images = picture(rows)[None]
    assert isolated_pixels(images) == of_4
    assert isolated_pixels(images, connectivity=8) == of_8


@pytest.mark.parametrize(("connectivity", "rank"), [(4, 1), (8, 2)])
@pytest.mark.parametrize("shape", [(7, 9), (1, 12), (12, 1), (2, 2)])
def test_they_are_what_a_convolution_counts(connectivity, rank, shape):
    images = RNG.random((60, *shape)) < 0.2
    kernel = ndimage.generate_binary_structure(2, rank).astype(int)
    kernel[1, 1] = 0
    near = [
        ndimage.convolve(x.astype(int), kernel, mode="constant") for x in images
    ]
    expected = np.sum(images & (np.array(near) == 0), axis=(1, 2))
    found = isolated_pixels(images, connectivity)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "bfloat16"])
def test_tensors_with_a_channel_are_images(dtype):
    images = tf.cast([[[[1], [0]], [[0], [1]]]], dtype)
    assert isolated_pixels(images) == 2


def test_flipped_bits_show():
    images = np.zeros((1, 28, 28))
    images[:, 5:20, 10:14] = 1
    assert isolated_pixels(images) == 0
    images[0, 2, 2] = images[0, 25, 25] = 1
    assert isolated_pixels(images, 8) == 2


@pytest.mark.slow
def test_digits_have_almost_none():
    images = digits()
    # Of all 70,000: 0.0070 and 0.0063.
    for connectivity in (4, 8):
        assert 0 < isolated_pixels(images, connectivity).mean() < 0.02


def digits():
    path = pathlib.Path(os.environ.get("KERAS_BP_DATA", "")) / "mnist.npz"
    if not path.is_file():
        pytest.skip("needs mnist.npz in the folder KERAS_BP_DATA")
    with np.load(path) as data:
        return data["x_train"][:5000] > 0


def test_wrong_arguments_raise():
    one = np.ones((1, 3, 3))
    with pytest.raises(ValueError, match=r"`connectivity` to be one of \[4, 8"):
        isolated_pixels(one, connectivity=6)
    for shape in ((3, 3), (2, 3, 3, 2), (0, 3, 3), (1, 2, 3, 3, 1)):
        with pytest.raises(ValueError, match="isolated_pixels expects `images"):
            isolated_pixels(np.ones(shape))
    for value in (0.5, 2, -1, np.nan):
        with pytest.raises(ValueError, match="hold 0 and 1; binarize"):
            isolated_pixels(value * one)
    for dtype in ("complex64", "str"):
        with pytest.raises(TypeError, match="array of real numbers"):
            isolated_pixels(one.astype(dtype))
