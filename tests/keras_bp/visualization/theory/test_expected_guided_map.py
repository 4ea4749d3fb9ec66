"""The mean of guided maps over weights, against the closed form."""

import numpy as np
import pytest
from random_maps import drawn_maps

from keras_bp.visualization.metrics import recovery_correlation
from keras_bp.visualization.theory import expected_guided_map, random_network

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(10, 10, 1)).astype("float32")
SETTINGS = {"num_filters": 500, "kernel_size": 3}


@pytest.mark.parametrize("strides", [1, 2])
def test_the_mean_over_weights_is_the_sum_of_unit_patches(strides):
    stds = 0.5, 2.0
    model = random_network(IMAGE.shape, strides=strides, **SETTINGS)
    maps = drawn_maps(model, "guided", IMAGE, 40, stds)
    wanted = expected_guided_map(
        IMAGE[None], strides=strides, kernel_std=0.5, head_std=2.0, **SETTINGS
    )[0]
    mean = maps.mean(0)
    slope = (mean * wanted).sum() / (wanted**2).sum()
    assert abs(slope - 1) < 0.01
    error = maps.std(0, ddof=1) / np.sqrt(len(maps))
    far = np.abs(mean - wanted)[error > 0] / error[error > 0]
    assert far.max() < 5 and far.mean() < 1.0


def test_it_does_not_depend_on_the_class():
    model = random_network(IMAGE.shape, 4000, classes=2, seed=0)
    from keras_bp.visualization import attribute

    wanted = expected_guided_map(IMAGE[None], 4000)
    for k in (0, 1):
        found = attribute(model, IMAGE[None], k, "guided")
        assert recovery_correlation(found, wanted)[0] > 0.99
        plain = attribute(model, IMAGE[None], k, "saliency")
        assert abs(recovery_correlation(plain, wanted)[0]) < 0.4


def test_one_patch_is_that_patch_at_length_one():
    patch = IMAGE[None, :3, :3]
    found = expected_guided_map(patch, 100, 3, kernel_std=2.0, head_std=3.0)
    wanted = 600 / (2 * np.pi) * patch / np.linalg.norm(patch)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert not expected_guided_map(0 * patch, 10).any()


def test_images_smaller_than_the_kernel_are_refused():
    with pytest.raises(ValueError, match="size of the kernel"):
        expected_guided_map(IMAGE[None], 10, 11)
    with pytest.raises(ValueError, match="examples, height"):
        expected_guided_map(IMAGE, 10)
    with pytest.raises(ValueError, match="`num_filters`"):
        expected_guided_map(IMAGE[None], 0)
    with pytest.raises(ValueError, match="`strides`"):
        expected_guided_map(IMAGE[None], 10, strides=(1, 0))
