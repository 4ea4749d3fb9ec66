"""Noise of saliency and DeconvNet over weights, against the closed form."""

import keras
import numpy as np
import pytest
from keras import layers
from random_maps import drawn_maps

from keras_bp.visualization.theory import (
    noise_correlation,
    noise_variance,
    random_network,
)

IMAGE = np.random.default_rng(0).normal(size=(9, 9, 1)).astype("float32")


@pytest.mark.parametrize("rule", ["saliency", "deconvnet"])
def test_maps_are_noise_of_this_variance_and_correlation(rule):
    model = random_network(IMAGE.shape, 60)
    maps = drawn_maps(model, rule, IMAGE, 1500, (0.5, 2.0))[..., 0]
    variance = noise_variance(IMAGE.shape, 60, kernel_std=0.5, head_std=2.0)[
        ..., 0
    ]
    far = np.abs(maps.mean(0)) / np.sqrt(variance / len(maps))
    assert far.max() < 5
    ratio = maps.var(0) / variance
    # About as a chi-square; pixels are not independent.
    assert abs(ratio.mean() - 1) < 0.05 and np.abs(ratio - 1).max() < 0.3
    inner = maps[:, 2:-2, 2:-2].reshape(len(maps), -1)
    found = np.corrcoef(inner.T)[~np.eye(inner.shape[1], dtype=bool)]
    assert abs(found.mean() - noise_correlation(rule)) < 0.02


def test_deconvnet_with_pooling_shows_differences_of_patches():
    # Of two patches that one window pools, before the rectifier.
    image = np.random.default_rng(1).normal(size=(3, 6, 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(image.shape),
            layers.Conv2D(2000, 3, strides=3, use_bias=False),
            layers.MaxPooling2D((1, 2)),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(1, use_bias=False),
        ]
    )
    mean = drawn_maps(model, "deconvnet", image, 60, (1.0, 1.0)).mean(0)
    difference = image[:, :3] - image[:, 3:]
    unit = difference / np.linalg.norm(difference)
    wanted = 2000 / (2 * np.pi) * np.concatenate([unit, -unit], 1)
    off = np.linalg.norm(mean - wanted) / np.linalg.norm(wanted)
    assert off < 0.05
    # Without pooling it has mean zero.
    plain = random_network(image.shape, 2000, strides=3)
    noise = drawn_maps(plain, "deconvnet", image, 60, (1.0, 1.0)).mean(0)
    assert abs((noise * wanted).sum() / (wanted**2).sum()) < 0.05


def test_pixels_of_more_patches_have_more_noise():
    found = noise_variance((4, 5, 2), 10, 3, kernel_std=2.0, head_std=0.5)
    rows, columns = [1, 2, 2, 1], [1, 2, 3, 2, 1]
    wanted = 10 / 2 * np.outer(rows, columns)[..., None] * np.ones(2)
    np.testing.assert_allclose(found, wanted)
    strided = noise_variance((5, 5, 1), 2, 3, strides=2)[..., 0]
    np.testing.assert_allclose(strided, np.outer(*[[1, 1, 2, 1, 1]] * 2))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="size of the kernel"):
        noise_variance((2, 2, 1), 10)
    with pytest.raises(ValueError, match="`kernel_std`"):
        noise_variance((4, 4, 1), 10, kernel_std=-1.0)
    with pytest.raises(ValueError, match="`rule`"):
        noise_correlation("guided")
