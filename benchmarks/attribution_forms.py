"""One small network in the forms that a rectifier takes.

In Keras, and as near as it comes in PyTorch. All have the weights of
`attribution_exact` and return logits.
"""

import collections.abc
import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks import attribution_exact as exact


@dataclasses.dataclass(frozen=True)
class Form:
    """How a network is written.

    Attributes:
        keras: Function that returns a `keras.Model`.
        spelled: String, the rectifier in PyTorch, or None for no such form.
        torch: Function that returns a function of tensors or a module, for
            each of two places.
        bound: Float, the upper bound of the rectifiers.
    """

    keras: collections.abc.Callable
    spelled: str | None
    torch: collections.abc.Callable | None
    bound: float = np.inf


def forms():
    """Dictionary of the nine forms, by name."""
    relu6 = {"bound": 6.0}
    return {
        "Conv2D(activation='relu')": Form(
            lambda: _by_name("relu"), "nn.ReLU", _module("ReLU")
        ),
        "Activation('relu')": Form(
            lambda: _functional(lambda: layers.Activation("relu")),
            "nn.ReLU",
            _module("ReLU"),
        ),
        "ReLU()": Form(
            lambda: _functional(layers.ReLU), "nn.ReLU", _module("ReLU")
        ),
        "ReLU(max_value=6)": Form(
            lambda: _functional(lambda: layers.ReLU(6.0)),
            "nn.ReLU6",
            _module("ReLU6"),
            **relu6,
        ),
        "activation='relu6'": Form(
            lambda: _by_name("relu6"),
            "nn.functional.relu6",
            _function("relu6"),
            **relu6,
        ),
        "keras.ops.relu": Form(
            lambda: _functional(lambda: ops.relu),
            "nn.functional.relu",
            _function("relu"),
        ),
        "nested functional": Form(
            lambda: _nested("functional"),
            "nn.ReLU in a module in a module",
            _module("ReLU", nested=True),
        ),
        "nested Sequential": Form(
            lambda: _nested("Sequential"),
            "nn.ReLU in an nn.Sequential",
            _module("ReLU", nested=True),
        ),
        "subclassed, tf.nn.relu": Form(
            lambda: _subclassed(tf.nn.relu),
            "nn.functional.relu",
            _function("relu"),
        ),
    }


def beyond():
    """Dictionary of forms that no rule reaches, or is defined for, by name."""
    return {
        "a tf.function inside": Form(
            lambda: _subclassed(tf.function(tf.nn.relu)), None, None
        ),
        "activation='swish'": Form(
            lambda: _by_name("swish"), "nn.SiLU", _module("SiLU")
        ),
    }


def torch_network(form):
    """The network of a form in PyTorch: `torch.nn.Module`."""
    import torch

    k1, b1, k2, b2, k3, b3 = map(torch.from_numpy, exact.weights())

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Conv2d(2, 4, 3)
            self.second = torch.nn.Conv2d(4, 16, 3)
            self.last = torch.nn.Linear(16, exact.CLASSES)
            # Modules become parts of this one, functions do not.
            self.one, self.two = form.torch(), form.torch()

        def forward(self, x):
            x = self.one(self.first(x))
            x = self.two(self.second(torch.nn.functional.max_pool2d(x, 2)))
            return self.last(x.flatten(1))

    network = Network().eval()
    with torch.no_grad():
        for layer, kernel, bias in (
            (network.first, k1.permute(3, 2, 0, 1), b1),
            (network.second, k2.permute(3, 2, 0, 1), b2),
            (network.last, k3.T, b3),
        ):
            layer.weight.copy_(kernel)
            layer.bias.copy_(bias)
    return network


def _module(name, nested=False):
    def make():
        from torch import nn

        made = getattr(nn, name)()
        return nn.Sequential(nn.Sequential(made)) if nested else made

    return make


def _function(name):
    def make():
        from torch.nn import functional

        return getattr(functional, name)

    return make


def network(pool_first=False):
    """The network with layers as rectifiers.

    Args:
        pool_first: Boolean, whether pooling comes before the first one.
    """
    inputs = keras.Input(exact.SHAPE)
    x = layers.Conv2D(4, 3)(inputs)
    parts = [layers.ReLU(), layers.MaxPooling2D()]
    for part in reversed(parts) if pool_first else parts:
        x = part(x)
    x = layers.Flatten()(layers.ReLU()(layers.Conv2D(16, 3)(x)))
    return _with_weights(keras.Model(inputs, layers.Dense(exact.CLASSES)(x)))


def _functional(rectifier):
    inputs = keras.Input(exact.SHAPE)
    x = layers.MaxPooling2D()(rectifier()(layers.Conv2D(4, 3)(inputs)))
    x = layers.Flatten()(rectifier()(layers.Conv2D(16, 3)(x)))
    return _with_weights(keras.Model(inputs, layers.Dense(exact.CLASSES)(x)))


def _by_name(activation):
    inputs = keras.Input(exact.SHAPE)
    x = layers.Conv2D(4, 3, activation=activation)(inputs)
    x = layers.Conv2D(16, 3, activation=activation)(layers.MaxPooling2D()(x))
    x = layers.Dense(exact.CLASSES)(layers.Flatten()(x))
    return _with_weights(keras.Model(inputs, x))


def _nested(kind):
    inner = keras.Sequential(
        [
            keras.Input(exact.SHAPE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
        ]
    )
    if kind == "functional":
        inner = keras.Model(inner.inputs[0], inner.outputs[0])
    inputs = keras.Input(exact.SHAPE)
    x = layers.Dense(exact.CLASSES)(layers.Flatten()(inner(inputs)))
    return _with_weights(keras.Model(inputs, x))


class Subclassed(keras.Model):
    """Calls functions of TensorFlow."""

    def __init__(self, rectify):
        super().__init__()
        self.first, self.second = layers.Conv2D(4, 3), layers.Conv2D(16, 3)
        self.last, self.rectify = layers.Dense(exact.CLASSES), rectify

    def call(self, x):
        x = tf.nn.max_pool2d(self.rectify(self.first(x)), 2, 2, "VALID")
        x = self.rectify(self.second(x))
        return self.last(tf.reshape(x, (-1, 16)))


def _subclassed(rectify):
    model = Subclassed(rectify)
    model(exact.images(1))
    return _with_weights(model)


def _with_weights(model):
    model.set_weights(exact.weights())
    return model
