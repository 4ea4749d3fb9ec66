"""SSIM against its formula, on one window."""

import numpy as np
import pytest

from keras_bp.visualization.metrics import structural_similarity

RNG = np.random.default_rng(0)


def by_formula(a, b):
    """Of two maps of 3 x 3 in [0, 1], one window of Gaussian weights."""
    offsets = np.arange(3) - 1
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights = weights / weights.sum()
    means = [(weights * m).sum() for m in (a, b)]
    cross = (weights * a * b).sum() - means[0] * means[1]
    spread = [
        (weights * m**2).sum() - mean**2
        for m, mean in zip((a, b), means, strict=True)
    ]
    c1, c2 = 0.01**2, 0.03**2
    return (
        (2 * means[0] * means[1] + c1)
        * (2 * cross + c2)
        / ((means[0] ** 2 + means[1] ** 2 + c1) * (sum(spread) + c2))
    )


def scaled(x):
    return (x - x.min()) / (x.max() - x.min())


def test_it_is_the_formula_of_maps_from_zero_to_one():
    a, b = RNG.normal(size=(2, 4, 3, 3))
    found = structural_similarity(a, b, filter_size=3)
    wanted = [
        by_formula(scaled(x), scaled(y)) for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    # The largest odd window that fits is the default.
    np.testing.assert_array_equal(structural_similarity(a, b), found)


def test_the_same_map_on_another_scale_is_similar():
    a = RNG.normal(size=(2, 12, 12, 2))
    np.testing.assert_allclose(structural_similarity(a, 3 * a - 1), 1)
    different = structural_similarity(a, RNG.normal(size=a.shape))
    assert (np.abs(different) < 0.4).all()
    assert np.isfinite(structural_similarity(0 * a, a)).all()


def test_bad_arguments_are_refused():
    a = np.ones((1, 4, 4))
    with pytest.raises(ValueError, match="`filter_size` to fit"):
        structural_similarity(a, a, filter_size=5)
    with pytest.raises(ValueError, match="height, width"):
        structural_similarity(np.ones((2, 4)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="of one shape"):
        structural_similarity(a, np.ones((1, 4, 5)))
