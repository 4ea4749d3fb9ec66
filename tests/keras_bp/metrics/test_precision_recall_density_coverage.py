import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import PRDC, precision_recall_density_coverage

RNG = np.random.default_rng(0)
MODULE = precision_recall_density_coverage.__globals__


def radius(samples, index, k):
    others = np.delete(samples, index, axis=0)
    return np.sort(np.linalg.norm(others - samples[index], axis=1))[k - 1]


def by_loops(real, generated, k):
    real_radii = [radius(real, i, k) for i in range(len(real))]
    generated_radii = [radius(generated, j, k) for j in range(len(generated))]
    near_real = np.zeros((len(real), len(generated)), bool)
    near_generated = near_real.copy()
    for i, x in enumerate(real):
        for j, y in enumerate(generated):
            distance = np.linalg.norm(x - y)
            near_real[i, j] = distance < real_radii[i]
            near_generated[i, j] = distance < generated_radii[j]
    return PRDC(
        near_real.any(axis=0).mean(),
        near_generated.any(axis=1).mean(),
        near_real.sum() / (k * len(generated)),
        near_real.any(axis=1).mean(),
    )


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("shift", [0.0, 0.7, 3.0])
def test_they_are_what_a_loop_over_all_pairs_counts(k, shift, monkeypatch):
    real = RNG.normal(size=(60, 4))
    generated = 0.8 * RNG.normal(size=(45, 4)) + shift
    expected = by_loops(real, generated, k)
    for entries in (2**23, 100, 1):
        monkeypatch.setitem(MODULE, "_CHUNK", entries)
        found = precision_recall_density_coverage(real, generated, k)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_points_on_a_line_have_the_counts_of_a_look():
    real = np.arange(10.0)[:, None]
    # Each radius is 1; all generated ones are near 0 and 1.
    found = precision_recall_density_coverage(
        real, np.array([[0.2], [0.4], [0.6], [0.8]]), 1
    )
    assert found == PRDC(1.0, 0.0, 2.0, 0.2)
    # One of two is far: its large ball holds the real ones.
    found = precision_recall_density_coverage(
        real, np.array([[-90.0], [2.25]]), 1
    )
    assert found == PRDC(0.5, 1.0, 1.0, 0.2)


def test_a_tie_lies_outside():
    # Integers, whose distances are exact, and of which many are equal.
    real = np.arange(10.0)[:, None]
    found = precision_recall_density_coverage(real, real + 100, 2)
    assert found == PRDC(0, 0, 0, 0)
    found = precision_recall_density_coverage(real, real, 1)
    # Each is at 0 from its copy, and at its radius from the neighbors.
    assert found == PRDC(1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("size", [30, 77, 128, 301])
def test_copies_are_ties_whatever_rounding_does(size):
    # The radius among copies is zero, and nothing is nearer. Products of
    # matrices of other shapes are rounded otherwise.
    real = np.repeat(RNG.normal(size=(40, size)) * 1e3, 4, axis=0)
    for count in (160, 40, 20, 12):
        generated = RNG.permutation(real[:count])
        found = precision_recall_density_coverage(real, generated, 3)
        assert found == PRDC(0, 0, 0, 0)


def test_collapse_shows_as_recall_and_coverage_and_not_as_precision():
    real = RNG.normal(size=(500, 2)) + 20 * RNG.integers(0, 2, (500, 1))
    generated = 0.5 * RNG.normal(size=(400, 2))
    found = precision_recall_density_coverage(real, generated)
    assert found.precision > 0.95 and found.density > 0.9
    assert found.recall < 0.55 and found.coverage < 0.55


def test_equal_distributions_have_the_coverage_that_is_expected():
    real, generated = RNG.normal(size=(2, 1000, 8))
    found = precision_recall_density_coverage(real, generated, 5)
    # Of 2000 samples in random order, 5 after each real one are real.
    expected = 1 - np.prod((1000 - np.arange(1, 6)) / (2000 - np.arange(1, 6)))
    assert abs(found.coverage - expected) < 0.03
    assert abs(found.density - 1) < 0.1


def test_they_do_not_depend_on_place_and_unit():
    real, generated = RNG.normal(size=(2, 80, 5))
    found = precision_recall_density_coverage(real, generated)
    for scale, shift in ((1e-6, 1.0), (1e6, -3e7), (1.0, 1e4)):
        moved = precision_recall_density_coverage(
            scale * real + shift, tf.constant(scale * generated + shift)
        )
        np.testing.assert_allclose(moved, found, rtol=1e-12)


def test_wrong_arguments_raise():
    good = RNG.normal(size=(9, 3))
    call = precision_recall_density_coverage
    with pytest.raises(ValueError, match="`real` to hold 6 samples or more"):
        call(good[:5], good)
    with pytest.raises(ValueError, match="`generated` to hold 9 samples or"):
        call(good, good[:8], num_neighbors=8)
    with pytest.raises(ValueError, match="`num_neighbors` to be 1 or greater"):
        call(good, good, num_neighbors=0)
    with pytest.raises(TypeError, match="`num_neighbors` to be an integer"):
        call(good, good, num_neighbors=2.0)
    with pytest.raises(ValueError, match="coverage expects `real` and `gener"):
        call(good, good[:, :2])
    with pytest.raises(ValueError, match="`generated` to be finite"):
        call(good, np.where(good > 0, np.nan, good))
    with pytest.raises(ValueError, match=r"Received: shape=\(9,\)"):
        call(good[:, 0], good)
