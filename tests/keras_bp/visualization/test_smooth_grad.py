"""Means over noise against their expectation and by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_bp.visualization import Attributor, attribute, smooth_grad

RNG = np.random.default_rng(0)


def squared(size=3):
    """Whose gradient is 2x."""
    inputs = keras.Input((size,))
    squares = layers.Multiply()([inputs, inputs])
    return keras.Model(inputs, squares)


def test_it_is_the_mean_over_noise_of_a_share_of_the_range():
    x = RNG.normal(size=(2, 3)).astype("float32")
    found = smooth_grad(squared(), x, None, num_samples=4, noise=0.5, seed=7)
    noise = np.random.default_rng(7)
    size = 0.5 * (x.max(1) - x.min(1))[:, None]
    inputs = [x + size * noise.normal(size=x.shape) for _ in range(4)]
    np.testing.assert_allclose(found, 2 * np.mean(inputs, 0), rtol=1e-5)


def test_without_noise_it_is_the_map():
    model = squared()
    x = RNG.normal(size=(2, 3)).astype("float32")
    found = smooth_grad(model, x, None, num_samples=2, noise=0.0)
    np.testing.assert_allclose(found, attribute(model, x, None), rtol=1e-6)


def test_the_largest_class_is_that_without_noise():
    # Of both classes the noise makes the other one larger now and then.
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    kernel = np.array([[1.0, -1.0], [1.0, -1.0]])
    model.set_weights([kernel, np.zeros(2)])
    x = np.array([[0.3, -0.2], [-0.3, 0.2]], "float32")
    found = smooth_grad(model, x, num_samples=20, noise=1.0, seed=0)
    np.testing.assert_allclose(found, [[1, 1], [-1, -1]] * kernel[:, 0])


def test_an_attributor_brings_its_rule():
    model = keras.Sequential([keras.Input((2,)), layers.ReLU()])
    model.add(layers.Dense(1, kernel_initializer="ones"))
    guided = Attributor(model, "deconvnet")
    found = smooth_grad(guided, -np.ones((1, 2)), 0, num_samples=2, noise=0.1)
    np.testing.assert_array_equal(found, [[1, 1]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"num_samples": 0}, "`num_samples`"), ({"noise": -1.0}, "`noise`")],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        smooth_grad(squared(), np.ones((1, 3)), None, **arguments)
    with pytest.raises(TypeError, match="one array"):
        smooth_grad(squared(), {"a": np.ones((1, 3))}, None)
