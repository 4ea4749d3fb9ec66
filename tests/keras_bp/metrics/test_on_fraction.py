import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import on_fraction

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(5, 7), (5, 4, 6), (5, 3, 3, 1)])
def test_it_is_the_mean_of_each_sample(shape):
    samples = RNG.integers(0, 2, shape)
    expected = samples.reshape(len(samples), -1).mean(axis=1)
    np.testing.assert_allclose(on_fraction(samples), expected)
    np.testing.assert_allclose(on_fraction(tf.constant(samples)), expected)


@pytest.mark.slow
def test_a_fifth_of_the_pixels_of_digits_is_on():
    path = pathlib.Path(os.environ.get("KERAS_BP_DATA", "")) / "mnist.npz"
    if not path.is_file():
        pytest.skip("needs mnist.npz in the folder KERAS_BP_DATA")
    with np.load(path) as data:
        images = data["x_train"][:5000] > 0
    found = on_fraction(images)
    # Of all 70,000: 0.1914, with a standard deviation of 0.0529.
    assert abs(found.mean() - 0.1914) < 4 * 0.0529 / np.sqrt(len(images))
    assert abs(found.std() * 784 - 41.5) < 2


def test_wrong_arguments_raise():
    for shape in ((4,), (0, 4), (4, 0)):
        with pytest.raises(
            ValueError, match="on_fraction expects `samples` of"
        ):
            on_fraction(np.ones(shape))
    with pytest.raises(ValueError, match="`samples` to hold 0 and 1"):
        on_fraction([[0, 1], [2, 1]])
