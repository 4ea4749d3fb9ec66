"""Small GANs of which all is known, for the tests of `BinaryGAN`."""

import keras
import numpy as np
from keras import ops

from keras_bp.layers import BinaryNeuron
from keras_bp.training import BinaryGAN

# Of the constant generator: the bits 1, 0, 1.
OFFSETS = np.array([0.7, -1.2, 0.4], "float32")
KERNEL = np.array([[0.5], [-0.8], [0.1]], "float32")
BIAS = np.array([0.2], "float32")


def dense_generator(offsets, end, latents=2, **arguments):
    """Logits that are the same for all latents, and what follows them."""
    dense = keras.layers.Dense(
        len(offsets), kernel_initializer="zeros", **arguments
    )
    model = keras.Sequential([keras.Input((latents,)), dense, end])
    reset(model, offsets)
    return model


def reset(generator, offsets):
    """Gives a dense generator its constant logits again."""
    dense = generator.layers[0]
    kernel = np.zeros(dense.kernel.shape, "float32")
    dense.set_weights([kernel, np.asarray(offsets, "float32")])


def affine_critic(kernel=KERNEL, bias=BIAS, **arguments):
    model = keras.Sequential(
        [keras.Input((len(kernel),)), keras.layers.Dense(1, **arguments)]
    )
    model.set_weights([kernel, bias])
    return model


def quadratic_critic(matrix, kernel):
    """D(x) = x'Ax + k'x."""
    x = keras.Input((len(kernel),))
    linear = keras.layers.Dense(len(kernel), use_bias=False)
    affine = keras.layers.Dense(1, use_bias=False)
    y = ops.sum(linear(x) * x, axis=-1, keepdims=True) + affine(x)
    model = keras.Model(x, y)
    linear.set_weights([np.asarray(matrix, "float32").T])
    affine.set_weights([np.asarray(kernel, "float32")[:, None]])
    return model


def tanh_critic(*kernels):
    first, last = (np.asarray(x, "float32") for x in kernels)
    model = keras.Sequential(
        [
            keras.Input((len(first),)),
            keras.layers.Dense(len(last), "tanh", use_bias=False),
            keras.layers.Dense(1, use_bias=False),
        ]
    )
    model.set_weights([first, last])
    return model


def known_gan(
    generator_rate=0.0, discriminator_rate=0.0, compiled=(), **arguments
):
    """Constant bits against an affine critic, by plain gradient descent."""
    arguments.setdefault("critic_schedule", 1)
    gan = BinaryGAN(
        arguments.pop("generator", None)
        or dense_generator(OFFSETS, BinaryNeuron()),
        arguments.pop("discriminator", None) or affine_critic(),
        **arguments,
    )
    gan.compile(
        keras.optimizers.SGD(generator_rate),
        keras.optimizers.SGD(discriminator_rate),
        **dict(compiled),
    )
    return gan


def random_gan(end=None, compiled=(), optimizer=None, noise=False, **arguments):
    """Random bits after batch normalization, against a small network.

    With `noise` there are layers of Keras in both that draw some.
    """
    optimizer = optimizer or (lambda: keras.optimizers.Adam(0.01))
    normal = keras.initializers.RandomNormal
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(6, kernel_initializer=normal(0.0, 1.0, seed=1)),
            keras.layers.BatchNormalization(),
            *([keras.layers.GaussianNoise(1.0, seed=5)] if noise else []),
            end or BinaryNeuron("stochastic", seed=1),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(
                4, "tanh", kernel_initializer=normal(0.0, 0.5, seed=2)
            ),
            *([keras.layers.Dropout(0.5, seed=6)] if noise else []),
            keras.layers.Dense(1, kernel_initializer=normal(0.0, 0.5, seed=3)),
        ]
    )
    arguments = {"critic_schedule": 2, "seed": 4, **arguments}
    gan = BinaryGAN(generator, discriminator, **arguments)
    gan.compile(optimizer(), optimizer(), **dict(compiled))
    return gan


def bits(number, units=6, seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (number, units)).astype(dtype)


def values(model):
    """All that training changes, but for what the logs are made of."""
    logs = {id(x) for metric in model.metrics for x in metric.variables}
    found = [x for x in model.variables if id(x) not in logs]
    for name in ("optimizer", "discriminator_optimizer"):
        optimizer = getattr(model, name, None)
        found += optimizer.variables if optimizer else []
    return [ops.convert_to_numpy(x) for x in found]


def assert_same(one, two):
    assert len(one) == len(two) and len(one) > 0
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
