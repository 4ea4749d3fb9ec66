"""Models of local learning for tests, each compiled in one way."""

import keras
import numpy as np
from keras import layers
from lagrangian_toys import CLASSES, CROSS_ENTROPY, examples, net

from keras_bp.training import local_rules

RULES = tuple(name for name in local_rules() if name != "lagrangian")
# Inputs with room for a label.
FEATURES = 6
X, Y = examples(8, (FEATURES,))


def compiled(
    model, mode="eager", optimizer=None, loss=CROSS_ENTROPY, **options
):
    """Compiles a model, by default for steps of one gradient.

    Args:
        model: `keras.Model`.
        mode: `"eager"`, `"graph"` or `"xla"`.
        optimizer: Or None for SGD at a rate of one.
        loss: As for `compile`.
        **options: Of `compile`.
    """
    model.compile(
        optimizer or keras.optimizers.SGD(1.0),
        loss=loss,
        run_eagerly=mode == "eager",
        jit_compile=mode == "xla",
        **options,
    )
    return model


def small(name, mode="eager", optimizer=None, hidden=(5, 4), **options):
    """A rule on a small network that is the same each time."""
    if name not in ("backprop", "uniform_sign"):
        options = {"seed": 0, **options}
    plain = net(*hidden, shape=(FEATURES,))
    model = local_rules()[name](plain, **options)
    return compiled(model, mode, optimizer, metrics=["accuracy"])


def images():
    """Convolutions, pooling, normalization, a residual sum, dense layers."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(3, 3, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = before = layers.ReLU()(x)
    x = layers.Conv2D(3, 3, padding="same", activation="tanh")(x)
    x = layers.MaxPooling2D()(layers.Add()([x, before]))
    x = layers.Dense(5, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


def gradients(model, x, y, sample_weight=None):
    """Arrays of the gradients of a rule, None where there is none."""
    return [
        None if gradient is None else np.asarray(gradient.numpy())
        for _, gradient in model.local_gradients(x, y, sample_weight)
    ]


def true_gradients(model, x, y):
    """Arrays of backpropagated gradients."""
    return [
        None if gradient is None else np.asarray(gradient.numpy())
        for _, gradient in model.backprop_gradients(x, y)
    ]


def kernels(model):
    """The kernels of the wrapped network, as arrays."""
    return [
        np.asarray(w.numpy())
        for w in model.model.trainable_variables
        if len(w.shape) > 1
    ]
