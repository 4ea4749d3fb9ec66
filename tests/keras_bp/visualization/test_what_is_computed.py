"""What an attributor leaves out, as nothing needs it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.visualization import Attributor


class Counted(layers.Layer):
    """Passes its inputs on, and counts how often they are computed."""

    count = 0

    def call(self, x):
        def counted(x):
            self.count += 1
            return x

        found = tf.numpy_function(counted, [x], x.dtype, stateful=False)
        return x + 0 * tf.stop_gradient(tf.ensure_shape(found, x.shape))

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("batch_size", [2, 5])
@pytest.mark.parametrize("target", [1, np.array([0, 1, 1, 0, 1])])
def test_deconvnet_computes_nothing_above_the_last_pooling(target, batch_size):
    layer = Counted()
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 2, activation="relu"),
            layer,
            layers.Flatten(),
            layers.Dense(5, activation="relu"),
            layers.Dense(2),
        ]
    )
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 1)).astype("float32")
    attributor = Attributor(model, "deconvnet")
    attributor(x, target, batch_size)
    layer.count = 0
    maps = attributor(x, target, batch_size)
    assert layer.count == 0
    due, _ = attributor.maps_and_outputs(x, target, batch_size)
    assert layer.count
    np.testing.assert_allclose(maps, due, atol=1e-6)
