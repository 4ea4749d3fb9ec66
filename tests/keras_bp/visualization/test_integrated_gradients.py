"""Completeness, closed forms, and errors."""

import keras
import numpy as np
import pytest
from keras import layers
from rectified_models import by_name, images

from keras_bp.visualization import integrated_gradients

X = images(3)


def logits(model):
    return keras.Model(model.inputs, model.layers[-2].output), model.layers[-1]


def test_maps_add_up_to_the_difference_of_the_output():
    model = by_name("relu")
    found = integrated_gradients(model, X, 1, num_steps=300)
    inner, last = logits(model)

    def score(x):
        return (inner.predict(x, verbose=0) @ last.kernel + last.bias)[:, 1]

    difference = score(X) - score(0 * X)
    np.testing.assert_allclose(
        found.sum((1, 2, 3)), difference, rtol=0.01, atol=0.01
    )


def test_polynomials_are_integrated_exactly():
    inputs = keras.Input((2,))
    cubes = layers.Multiply()([inputs, inputs, inputs])
    model = keras.Model(inputs, cubes)
    x = np.array([[2.0, -1.0]], "float32")
    start = np.array([1.0, 0.5], "float32")
    found = integrated_gradients(model, x, None, start, num_steps=2)
    np.testing.assert_allclose(found, x**3 - start**3, rtol=1e-5)


def test_the_largest_class_is_that_at_the_inputs():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(2)])
    model.set_weights([np.array([[1.0, -1.0]]), np.array([-1.0, 1.0])])
    # At the baseline the other class is the largest.
    found = integrated_gradients(model, np.array([[4.0]]), num_steps=3)
    np.testing.assert_allclose(found, [[4.0]], rtol=1e-5)


def test_bad_arguments_are_refused():
    model = by_name("relu")
    with pytest.raises(ValueError, match="`num_steps`"):
        integrated_gradients(model, X, num_steps=0)
    with pytest.raises(ValueError, match="broadcasts to the inputs"):
        integrated_gradients(model, X, baseline=np.zeros(3))
    with pytest.raises(ValueError, match=r"\(examples, \.\.\.\)"):
        integrated_gradients(model, np.ones(3))
