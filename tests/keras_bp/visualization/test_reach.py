"""What a rule does not reach is named, also beside rectifiers that it does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_bp.layers import GuidedReLU
from keras_bp.visualization import Attributor, RectifierNotCovered

X = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")


def mixed(function):
    """A real rectifier, and another function above it."""
    keras.utils.set_random_seed(0)
    if not isinstance(function, keras.layers.Layer):
        function = layers.Lambda(function)
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(8),
            function,
            layers.Dense(3),
        ]
    )


@tf.custom_gradient
def own_gradient(x):
    return tf.nn.relu(x), lambda upstream: upstream


UNREACHED = {
    "rematerialized": keras.remat(ops.relu),
    "custom gradient": own_gradient,
    "GuidedReLU": GuidedReLU("vanilla"),
    "maximum in a tf.function": tf.function(lambda x: tf.maximum(x, 0.0)),
    "swish in a tf.function": tf.function(tf.nn.silu),
    "branch": lambda x: tf.switch_case(
        tf.constant(0), [lambda: tf.nn.relu(x), lambda: x]
    ),
    "choice": lambda x: ops.where(x < 0, 0.0, x),
    "choice of zeros": lambda x: ops.where(x > 0, x, ops.zeros_like(x)),
    "mask": lambda x: x * ops.stop_gradient(ops.cast(x > 0, x.dtype)),
    "size": lambda x: (x + ops.abs(x)) / 2,
    "difference": lambda x: x - ops.minimum(x, 0.0),
    "leaky maximum": lambda x: ops.maximum(x, 0.1 * x),
    "ELU by choice": lambda x: ops.where(x > 0, x, ops.exp(x) - 1),
    "swish by exp": lambda x: x / (1 + ops.exp(-x)),
    "squareplus": keras.activations.squareplus,
    "soft shrink": keras.activations.soft_shrink,
}


@pytest.mark.parametrize("name", UNREACHED)
def test_it_is_named_beside_rectifiers_that_are_reached(name):
    model = mixed(UNREACHED[name])
    with pytest.raises(RectifierNotCovered):
        Attributor(model, "guided")(X, 1)
    # The gradient itself is always there.
    assert np.isfinite(Attributor(model)(X, 1)).all()


REACHED = {
    "maximum with zeros": lambda x: ops.maximum(x, ops.zeros_like(x)),
    "maximum with an array": lambda x: ops.maximum(x, np.zeros(8, "float32")),
}


@pytest.mark.parametrize("name", REACHED)
def test_rectifiers_by_hand_are_reached(name):
    found = Attributor(mixed(REACHED[name]), "guided")
    wanted = Attributor(mixed(ops.relu), "guided")
    np.testing.assert_allclose(found(X, 1), wanted(X, 1), atol=1e-6)
    assert len(found.report.covered) == 2


HARMLESS = {
    "residual": lambda x: x + ops.relu(x),
    "bounded": lambda x: ops.clip(x, -1.0, 1.0),
    "scaled": lambda x: 2 * x - 1,
    "normalized": layers.LayerNormalization(),
    "gated": layers.Dense(8, activation="sigmoid"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_other_functions_raise_no_alarm(name):
    found = Attributor(mixed(HARMLESS[name]), "guided")
    assert np.isfinite(found(X, 1)).all()
    assert 1 <= len(found.report.covered) <= 2


def test_a_maximum_may_broadcast():
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Lambda(lambda x: ops.maximum(x, np.zeros(4, "float32"))),
        ]
    )
    found = Attributor(model, "guided")(np.array([[2.0], [-2.0]]), None)
    np.testing.assert_array_equal(found, [[4], [0]])


def test_percentiles_that_are_near_are_two():
    model = mixed(ops.relu)
    # The gradient of each is registered under a name of its own.
    near, other = (
        Attributor(model, "rectgrad", percentile=p)(X, 1)
        for p in (50.0, 50.0000001)
    )
    assert np.abs(near).max() > 0
    np.testing.assert_array_equal(near, other)


def test_what_is_reshaped_behind_a_softmax_keeps_its_shape():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(6, activation="softmax"),
            layers.Reshape((2, 3)),
        ]
    )
    kernel = np.asarray(ops.convert_to_numpy(model.layers[0].kernel))
    attributor = Attributor(model)
    found = attributor(X, 1)
    wanted = np.tile(kernel[:, [1, 4]].sum(1), (4, 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    found = attributor(X, (1, 2))
    np.testing.assert_allclose(found, np.tile(kernel[:, 5], (4, 1)), rtol=1e-5)


def test_inputs_with_other_names_keep_their_keys():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    hidden = layers.Dense(1, name="hidden", kernel_initializer="ones")(
        layers.Concatenate()([a, layers.Rescaling(3.0)(b)])
    )
    model = keras.Model({"b": a, "a": b}, layers.Dense(1)(hidden))
    x = {"b": X[:, :2], "a": X[:, 2:4]}
    found = Attributor(model, output="hidden")(x, 0)
    np.testing.assert_allclose(found["b"], np.ones((4, 2)))
    np.testing.assert_allclose(found["a"], np.full((4, 2), 3.0))
