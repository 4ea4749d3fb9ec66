import itertools
import time

import numpy as np
import pytest

from keras_bp.datasets.gp_textures import gp_textures

STEPS = ((0, 1), (1, 0), (0, 3), (2, 2), (3, -3), (0, 6))


def covariance(images, step):
    """Of pixels so far apart, and its standard error over images."""
    down, right = step
    x = images[..., 0].astype("float64")
    if right < 0:
        x, right = x[:, :, ::-1], -right
    height, width = x.shape[1] - down, x.shape[2] - right
    products = x[:, :height, :width] * x[:, down:, right:]
    found = products.mean((1, 2))
    return found.mean(), found.std(ddof=1) / np.sqrt(len(found))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("length", [0.4, 1.0, 3.0])
def test_the_covariance_is_that_of_the_formula(length, periodic):
    images, _ = gp_textures(120, 96, ((length,),), (1.0,), 0, periodic)
    for step in STEPS:
        found, error = covariance(images, step)
        expected = np.exp(-np.sum(np.square(step)) / (2 * length**2))
        # What an image lacks because its mean is taken away.
        lost = 2 * np.pi * length**2 / 96**2
        expected = (expected - lost) / (1 - lost)
        assert abs(found - expected) < 4 * error


def test_neither_axis_nor_diagonal_is_preferred():
    images, _ = gp_textures(200, 64, ((2.0,),), (1.0,), 1)
    found, error = zip(
        *(covariance(images, step) for step in ((0, 5), (5, 0), (3, 4))),
        strict=True,
    )
    assert np.ptp(found) < 5 * max(error)


def test_opposite_edges_meet_only_in_periodic_images():
    means = []
    for periodic in (True, False):
        x, _ = gp_textures(200, 32, ((3.0,),), (1.0,), 0, periodic)
        means.append(np.mean(x[:, 0] * x[:, -1]))
    # exp(-1 / 18) of neighbors, and exp(-31^2 / 18).
    assert means[0] > 0.9
    assert abs(means[1]) < 0.2


@pytest.mark.parametrize("periodic", [True, False])
def test_a_scale_has_mean_zero_and_its_power_in_each_image(periodic):
    x, _ = gp_textures(6, 48, ((2.0, 7.0),), (2.5,), 3, periodic)
    assert x.dtype == "float32"
    np.testing.assert_allclose(x.mean((1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(x.std((1, 2, 3)), 2.5, rtol=1e-6)


def test_scales_are_summed_and_independent():
    lengths = ((1.0, 2.0), (6.0, 9.0))
    both, fine, coarse = (
        gp_textures(80, 64, lengths, powers, 0)[0]
        for powers in ((0.75, 1.25), (0.75, 0.0), (0.0, 1.25))
    )
    np.testing.assert_allclose(both, fine + coarse, atol=1e-5)
    products = (fine * coarse).mean((1, 2, 3))
    error = products.std(ddof=1) / np.sqrt(len(products))
    assert abs(products.mean()) < 4 * error


def test_labels_tell_the_length_of_each_scale_the_first_one_first():
    lengths = ((1.0, 2.0, 3.0), (5.0, 8.0))
    labels = gp_textures(13, 64, lengths, seed=0)[1]
    assert labels.dtype == "int32"
    np.testing.assert_array_equal(labels, [*range(6), *range(6), 0])
    index = np.unravel_index(range(6), (3, 2), order="F")
    for scale in (0, 1):
        powers = np.eye(2)[scale]
        images, labels = gp_textures(120, 64, lengths, powers, 1)
        for label in range(6):
            found, error = covariance(images[labels == label], (0, 2))
            length = lengths[scale][index[scale][label]]
            lost = 2 * np.pi * length**2 / 64**2
            expected = (np.exp(-2 / length**2) - lost) / (1 - lost)
            assert abs(found - expected) < 4 * error


def test_a_seed_repeats_and_begins_like_a_larger_set():
    first, labels = gp_textures(5, 32, ((1.0, 2.0), (4.0, 5.0)), seed=7)
    more, others = gp_textures(9, 32, ((1.0, 2.0), (4.0, 5.0)), seed=7)
    np.testing.assert_array_equal(first, more[:5])
    np.testing.assert_array_equal(labels, others[:5])
    assert len(np.unique(more.reshape(9, -1), axis=0)) == 9


def test_other_seeds_and_no_seed_differ():
    found = [
        gp_textures(1, 16, ((1.0,),), (1.0,), seed)[0]
        for seed in (0, 1, None, None)
    ]
    for one, other in itertools.combinations(found, 2):
        assert np.mean(one * other) < 0.5


def test_an_image_of_the_paper_takes_less_than_a_second():
    begin = time.process_time()
    gp_textures(1, 1024, ((9.5, 10.0), (80.0, 140.0)), seed=0)
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"num_images": 0}, ValueError, "`num_images` to be 1 or greater"),
        ({"num_images": 2.0}, TypeError, "`num_images` to be an integer"),
        ({"size": 1}, ValueError, "`size` to be 2 or greater"),
        ({"seed": -1}, ValueError, "`seed` to be 0 or greater"),
        ({"seed": True}, TypeError, "`seed` to be an integer"),
        ({"lengths": ()}, ValueError, "as many `powers` as scales"),
        ({"lengths": ((1.0,), ())}, ValueError, "one or more lengths"),
        ({"powers": (1.0,)}, ValueError, "as many `powers` as scales"),
        ({"powers": (1.0, np.nan)}, ValueError, "finite `powers`"),
        ({"lengths": ((0.0,), (1.0,))}, ValueError, "greater than 0"),
        ({"lengths": ((np.nan,), (1.0,))}, ValueError, "greater than 0"),
        ({"lengths": ((1.0,), (6.0,))}, ValueError, "a sixth of `size`"),
        (
            {"lengths": ((1.0,), (33.0,)), "periodic": False},
            ValueError,
            "at most `size`",
        ),
    ],
)
def test_wrong_arguments_are_named(changed, error, words):
    good = {"num_images": 2, "size": 32, "lengths": ((1.0,), (4.0,))}
    with pytest.raises(error, match=words):
        gp_textures(**{**good, **changed})


def test_a_length_beyond_a_sixth_is_taken_without_a_period():
    lengths = ((1.0,), (6.0,))
    with pytest.raises(ValueError, match="periodic"):
        gp_textures(1, 32, lengths, seed=0)
    images, _ = gp_textures(1, 32, lengths, seed=0, periodic=False)
    assert images.shape == (1, 32, 32, 1) and np.isfinite(images).all()
