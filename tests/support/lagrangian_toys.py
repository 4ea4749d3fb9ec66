"""Small models for tests of `LagrangianModel`, and their true gradients."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_bp.training import LagrangianModel

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
FEATURES, CLASSES = 4, 3


def examples(count=6, shape=(FEATURES,), seed=0):
    """Inputs and labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, *shape)).astype("float32")
    return x, rng.integers(0, CLASSES, count)


def net(*hidden, shape=(FEATURES,), outputs=CLASSES, **options):
    """Sequential model of some layers, the same each time.

    Args:
        hidden: Layers, or integers for dense ones with tanh.
        shape: Tuple, of an example.
        outputs: Integer, linear neurons at the end.
        **options: Arguments of dense layers.
    """
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape)])
    for layer in hidden:
        if isinstance(layer, int):
            layer = layers.Dense(layer, "tanh", **options)
        model.add(layer)
    model.add(layers.Dense(outputs, **options))
    # Biases that are not zero, so that they cannot be left out.
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        if len(weight.shape) == 1:
            noise = rng.normal(0, 0.2, weight.shape)
            weight.assign(weight + np.asarray(noise, "float32"))
    return model


def wrapped(model, *, eager=False, loss=CROSS_ENTROPY, rates=None, **options):
    """A compiled `LagrangianModel`.

    Args:
        model: What is wrapped.
        eager: Boolean, or `"xla"`.
        loss: As in `compile`.
        rates: Triple of numbers or optimizers, of weights, unknowns and
            multipliers; numbers are rates of SGD.
        **options: Arguments of `LagrangianModel`.
    """
    rules = [
        keras.optimizers.SGD(x) if isinstance(x, (int, float)) else x
        for x in rates or (1.0, None, None)
    ]
    # Of the rates that fit, those of this one lead soonest to the end.
    trained = LagrangianModel(model, **{"rho": 10.0, **options})
    names = "optimizer", "state_optimizer", "multiplier_optimizer"
    trained.compile(
        **dict(zip(names, rules, strict=False)),
        loss=loss,
        run_eagerly=eager is True,
        jit_compile=eager == "xla",
    )
    return trained


def values_of(variables):
    """Arrays of variables or tensors, copied."""
    tensors = [getattr(x, "value", x) for x in variables]
    return [np.copy(x.numpy()) for x in tensors]


def step_of(trained, x, y, **options):
    """How far a batch moves weights against their gradients at rate 1."""
    weights = trained.trainable_variables
    before = values_of(weights)
    trained.train_on_batch(x, y, **options)
    return [a - b for a, b in zip(before, values_of(weights), strict=True)]


def backpropagated(model, x, y, loss=CROSS_ENTROPY, sample_weight=None):
    """Gradients of the loss in training, without any effect."""
    weights = [w.value for w in model.trainable_variables]
    with keras.StatelessScope(), tf.GradientTape() as tape:
        outputs = model(x, training=True)
        total = (
            sum(loss(a, b) for a, b in zip(y, outputs, strict=True))
            if isinstance(outputs, (list, tuple))
            else loss(y, outputs, sample_weight)
        )
    return values_of(tape.gradient(total, weights))


def assert_close(found, expected, rtol=1e-4, atol=2e-6):
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def assert_equal(found, expected):
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def numbered(x):
    """A batch of all examples."""
    return {"example_index": np.arange(len(x)), "inputs": x}


def kept(**options):
    """An eager model with tables for six examples."""
    options = {"inner_steps": 3, "rates": (0.3, 0.05, 0.5), **options}
    model = options.pop("model", None) or net(5, 4)
    return wrapped(model, **{"eager": True, "states": "persistent", **options})


def rows_of(trained):
    """All tables of states, the count first."""
    tables = trained.tables
    slots = [*tables.value_slots, *tables.multiplier_slots]
    found = [
        tables.count,
        *tables.values,
        *tables.multipliers,
        *(x for each in slots for x in each),
    ]
    return values_of(tables.whole(found))
