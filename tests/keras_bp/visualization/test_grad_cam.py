"""Class activation maps by their definition, and their errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from rectified_models import by_name, functional, images, subclassed

from keras_bp.visualization import attribute, grad_cam, guided_grad_cam

X = images(5)


def pooled():
    """Whose class maps are linear: the mean of channels, then classes."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def class_map(model, x, classes):
    """By its definition (Zhou et al., 2016) where only means are read."""
    inner = keras.Model(model.inputs, model.get_layer("conv").output)
    channels = inner.predict(x, verbose=0)
    weights = np.asarray(model.layers[-1].kernel)[:, classes].T / 36
    found = np.einsum("nhwc,nc->nhw", channels, weights) / 36
    return np.maximum(found, 0)


def test_behind_means_it_is_the_class_activation_map():
    model = pooled()
    classes = np.array([0, 2, 1, 0, 2])
    small = class_map(model, X, classes) * 36
    wanted = tf.image.resize(small[..., None], (8, 8))[..., 0]
    found = grad_cam(model, X, classes, batch_size=2)
    assert wanted.numpy().max() > 1e-3
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
    named = grad_cam(model, X, classes, layer="conv")
    np.testing.assert_allclose(named, found, rtol=1e-6)


def test_a_final_softmax_is_left_out_only_if_asked():
    model = pooled()
    largest = model.predict(X, verbose=0).argmax(1)
    np.testing.assert_allclose(
        grad_cam(model, X), grad_cam(model, X, largest), rtol=1e-6
    )
    p = model.predict(X, verbose=0).max(1)[:, None, None]
    squashed = grad_cam(model, X, largest, logits=False)
    assert np.abs(squashed - grad_cam(model, X, largest)).max() > 1e-3
    assert np.isfinite(squashed).all() and p.min() > 0


def test_guided_maps_are_weighed_by_it():
    model = by_name("relu")
    first = model.layers[0]
    found = guided_grad_cam(model, X, 1, layer=first, batch_size=2)
    wanted = attribute(model, X, 1, "guided")
    wanted = wanted * grad_cam(model, X, 1, layer=first)[..., None]
    assert np.abs(wanted).max() > 1e-4
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    random = guided_grad_cam(model, X, "random", layer=first, seed=3)
    assert random.shape == X.shape


def test_layers_of_inner_and_subclassed_models_are_found():
    whole = pooled()
    inner = keras.Sequential([keras.Input((8, 8, 2)), whole.layers[0]])
    outer = keras.Sequential([keras.Input((8, 8, 2)), inner, *whole.layers[1:]])
    wanted = grad_cam(whole, X, 1)
    assert wanted.max() > 1e-4
    for layer in ("conv", inner, None):
        found = grad_cam(outer, X, 1, layer=layer)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-8)
    model = subclassed()
    assert grad_cam(model, X, 1, layer=model.first).shape == X.shape[:3]


def test_eager_functions_are_refused():
    tf.config.run_functions_eagerly(True)
    try:
        with pytest.raises(RuntimeError, match="run_functions_eagerly"):
            grad_cam(pooled(), X)
    finally:
        tf.config.run_functions_eagerly(False)


def test_bad_arguments_are_refused():
    model = functional(layers.ReLU)
    with pytest.raises(ValueError, match="`layer` to be a layer"):
        grad_cam(model, X, layer="nowhere")
    with pytest.raises(ValueError, match="None is for functional"):
        grad_cam(subclassed(), X)
    with pytest.raises(ValueError, match="which returns"):
        grad_cam(model, X, layer=model.layers[-1])
    with pytest.raises(TypeError, match=r"keras\.Model"):
        grad_cam(layers.Dense(2), X)
    with pytest.raises(ValueError, match="`batch_size`"):
        grad_cam(model, X, batch_size=0)
    with pytest.raises(ValueError, match=r"in \[-3, 3\)"):
        grad_cam(model, X, 3)
