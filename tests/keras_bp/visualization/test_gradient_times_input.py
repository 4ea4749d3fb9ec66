"""Maps times inputs, which add up where there are no biases."""

import keras
import numpy as np
from keras import layers
from rectified_models import by_name, images, maps_by_hand

from keras_bp.visualization import gradient_times_input

X = images(3)


def test_rules_are_multiplied_by_the_inputs():
    found = gradient_times_input(by_name("relu"), X, rule="guided")
    wanted = X * maps_by_hand("guided", X)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_without_biases_maps_add_up_to_the_output():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(9, activation="relu", use_bias=False),
            layers.Dense(2, use_bias=False),
        ]
    )
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    found = gradient_times_input(model, x, 1).sum(1)
    np.testing.assert_allclose(found, model(x)[:, 1], rtol=1e-4, atol=1e-6)
