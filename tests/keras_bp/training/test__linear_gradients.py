"""Layers without a gradient of the gradient, against those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.training._linear_gradients import (
    LinearLeakyReLU,
    LinearMaxPooling2D,
)

RNG = np.random.default_rng(0)
PAIRS = [
    (layers.LeakyReLU(0.2), LinearLeakyReLU(0.2)),
    (layers.MaxPooling2D(2), LinearMaxPooling2D(2)),
    (
        layers.MaxPooling2D(3, 2, padding="same"),
        LinearMaxPooling2D(3, 2, padding="same"),
    ),
]


def critic(activation, pooling):
    kernel = keras.initializers.HeNormal(seed=0)
    return keras.Sequential(
        [
            keras.Input((7, 7, 1)),
            layers.Conv2D(3, 2, kernel_initializer=kernel),
            activation(0.2),
            pooling(2, padding="same"),
            layers.Conv2D(2, 1, kernel_initializer=kernel),
            activation(0.2),
            pooling(2),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=kernel),
        ]
    )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_penalty_has_the_gradient_that_it_has_by_layers_of_keras(jit_compile):
    x = tf.constant(RNG.standard_normal((4, 7, 7, 1)), "float32")

    def gradients(model):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = model(x)
            slope = inner.gradient(value, x)
            penalty = tf.reduce_mean(tf.square(slope)) + tf.reduce_mean(value)
        return [penalty, *outer.gradient(penalty, model.trainable_variables)]

    found = [
        tf.function(gradients, jit_compile=jit_compile)(critic(*kinds))
        for kinds in (
            (layers.LeakyReLU, layers.MaxPooling2D),
            (LinearLeakyReLU, LinearMaxPooling2D),
        )
    ]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        assert np.any(one != 0)


def test_channels_come_last():
    with pytest.raises(ValueError, match="`data_format` to be 'channels_last'"):
        LinearMaxPooling2D(2, data_format="channels_first")


@pytest.mark.parametrize(("plain", "linear"), PAIRS)
def test_there_is_no_gradient_of_the_gradient(plain, linear):
    x = tf.constant(RNG.standard_normal((1, 4, 4, 1)), "float32")
    found = []
    for layer in (plain, linear):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x)
            slope = inner.gradient(y, x)
        found.append(outer.gradient(slope, x))
    # Zeros that would be propagated.
    assert not np.any(found[0])
    assert found[1] is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("index", range(len(PAIRS)))
def test_values_and_gradients_are_those_of_keras(dtype, index):
    found = []
    for layer in PAIRS[index]:
        config = {**layer.get_config(), "dtype": dtype}
        layer = type(layer).from_config(config)
        x = tf.cast(tf.constant([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), dtype)
        x = tf.reshape(tf.tile(x, [6]), (1, 6, 6, 1))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        slope = tape.gradient(y, x)
        assert y.dtype == slope.dtype == dtype
        found.append((tf.cast(y, "float64"), tf.cast(slope, "float64")))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
