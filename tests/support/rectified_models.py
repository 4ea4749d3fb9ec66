"""One small network in the forms that a rectifier takes, and its maps."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

SHAPE = (8, 8, 2)


def images(count=5):
    rng = np.random.default_rng(0)
    return 3 * rng.normal(size=(count, *SHAPE)).astype("float32")


def weights():
    """Kernels and biases of two convolutions and a dense layer."""
    rng = np.random.default_rng(1)
    shapes = (3, 3, 2, 4), (4,), (3, 3, 4, 16), (16,), (16, 3), (3,)
    return [rng.normal(0, 0.3, shape).astype("float32") for shape in shapes]


def functional(rectifier):
    """Pooling after the first rectifier and before the second one.

    Args:
        rectifier: Function that returns a function, for each place.
    """
    inputs = keras.Input(SHAPE)
    x = rectifier()(layers.Conv2D(4, 3)(inputs))
    x = layers.Conv2D(16, 3)(layers.MaxPooling2D()(x))
    x = rectifier()(layers.MaxPooling2D(1)(x))
    x = layers.Dense(3, activation="softmax")(layers.Flatten()(x))
    return with_weights(keras.Model(inputs, x))


def with_weights(model):
    model.set_weights(weights())
    return model


def by_name(activation):
    return with_weights(
        keras.Sequential(
            [
                keras.Input(SHAPE),
                layers.Conv2D(4, 3, activation=activation),
                layers.MaxPooling2D(),
                layers.Conv2D(16, 3, activation=activation),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )
    )


def nested(kind):
    inner = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
        ]
    )
    if kind == "functional":
        inner = keras.Model(inner.inputs[0], inner.outputs[0])
    return with_weights(
        keras.Sequential(
            [
                keras.Input(SHAPE),
                inner,
                keras.Sequential([layers.Conv2D(16, 3), layers.ReLU()]),
                layers.Flatten(),
                layers.Dense(3),
                layers.Softmax(),
            ]
        )
    )


class Subclassed(keras.Model):
    """Calls functions of TensorFlow."""

    def __init__(self, rectify=tf.nn.relu):
        super().__init__()
        self.first, self.second = layers.Conv2D(4, 3), layers.Conv2D(16, 3)
        self.last, self.rectify = layers.Dense(3), rectify

    def call(self, x):
        x = tf.nn.max_pool2d(self.rectify(self.first(x)), 2, 2, "VALID")
        x = self.rectify(self.second(x))
        return tf.nn.softmax(self.last(tf.reshape(x, (-1, 16))))


def subclassed(rectify=tf.nn.relu):
    model = Subclassed(rectify)
    model(images(1))
    return with_weights(model)


def shared():
    layer = layers.ReLU()
    return functional(lambda: layer)


FORMS = {
    "activation='relu'": (lambda: by_name("relu"), None),
    "Activation": (lambda: functional(lambda: layers.Activation("relu")), None),
    "ReLU": (lambda: functional(layers.ReLU), None),
    "shared ReLU": (shared, None),
    "ReLU(max_value=6)": (lambda: functional(lambda: layers.ReLU(6.0)), 6.0),
    "ReLU(max_value=3)": (lambda: functional(lambda: layers.ReLU(3.0)), 3.0),
    "activation='relu6'": (lambda: by_name("relu6"), 6.0),
    "keras.ops.relu": (lambda: functional(lambda: ops.relu), None),
    "nested functional": (lambda: nested("functional"), None),
    "nested Sequential": (lambda: nested("Sequential"), None),
    "subclassed": (subclassed, None),
    "maximum": (lambda: subclassed(lambda x: ops.maximum(x, 0.0)), None),
}


def maps_by_hand(rule, x, bound=None, scale=1.0):
    """Maps of the largest logit in NumPy, from the definition of the rules.

    Args:
        rule: String.
        x: Array of images.
        bound: Float, the upper bound of the rectifiers, or None.
        scale: Float, of all weights.
    """
    k1, b1, k2, b2, k3, b3 = (scale * w for w in weights())
    bound = np.inf if bound is None else bound
    found = []
    for image in x.astype("float64"):
        first = _convolved(image, k1, b1)
        y = np.clip(first, 0, bound)
        blocks = y.reshape(3, 2, 3, 2, 4).transpose(0, 2, 4, 1, 3)
        blocks = blocks.reshape(3, 3, 4, 4)
        second = _convolved(blocks.max(-1), k2, b2).ravel()
        logits = np.clip(second, 0, bound) @ k3 + b3
        r = k3[:, logits.argmax()]
        r = _below(rule, r, second, bound)
        r = np.einsum("hwio,o->hwi", k2, r)
        spread = np.eye(4)[blocks.argmax(-1)] * r[..., None]
        spread = spread.reshape(3, 3, 4, 2, 2).transpose(0, 3, 1, 4, 2)
        r = _below(rule, spread.reshape(6, 6, 4), first, bound)
        total = np.zeros(SHAPE)
        for i in range(6):
            for j in range(6):
                total[i : i + 3, j : j + 3] += k1 @ r[i, j]
        found.append(total)
    return np.array(found)


def _convolved(image, kernel, bias):
    size = image.shape[0] - 2
    found = np.empty((size, size, kernel.shape[-1]))
    for i in range(size):
        for j in range(size):
            patch = image[i : i + 3, j : j + 3]
            found[i, j] = np.einsum("hwi,hwio->o", patch, kernel) + bias
    return found


def _below(rule, r, x, bound):
    gate = (x > 0) & (x < bound)
    return {
        "saliency": gate * r,
        "guided": gate * np.maximum(r, 0),
        "deconvnet": np.maximum(r, 0),
        "negative_guided": gate * np.minimum(r, 0),
    }[rule]
