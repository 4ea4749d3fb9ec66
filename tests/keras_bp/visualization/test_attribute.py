"""One call is that of an `Attributor`, of the model as it is then."""

import keras
import numpy as np
from rectified_models import by_name, images, maps_by_hand

from keras_bp.visualization import attribute

X = images()


def test_it_is_an_attributor_for_one_call():
    found = attribute(by_name("relu"), X, rule="deconvnet", batch_size=2)
    np.testing.assert_allclose(found, maps_by_hand("deconvnet", X), atol=2e-6)


def test_changed_layers_are_seen():
    model = by_name("relu6")
    attribute(model, X, rule="guided")
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.activation = keras.activations.relu
    found = attribute(model, X, rule="guided", jit_compile=True)
    np.testing.assert_allclose(found, maps_by_hand("guided", X), atol=2e-6)


def test_random_targets_are_those_of_their_seed():
    model = by_name("relu")
    a, b, c = (attribute(model, X, "random", seed=s) for s in (0, 0, 3))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3
