"""Implicit steps of several replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.training import make_implicit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 6)).astype("float32")
Y = RNG.integers(0, 3, 8)


def loss(reduction="sum_over_batch_size"):
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )


def net():
    return [
        layers.Dense(5),
        layers.BatchNormalization(synchronized=True),
        layers.Activation("tanh"),
        layers.Dense(3, kernel_regularizer="l2"),
    ]


def recurrent():
    return [
        layers.Reshape((6, 1)),
        layers.SimpleRNN(4),
        layers.Dense(3),
    ]


def trained(make, strategy, rule, exact, reduction="sum_over_batch_size"):
    """Weights after two steps at a rate at which explicit steps diverge."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((6,)), *make()])
        model = make_implicit(model, rule, seed=0, exact=exact)
        optimizer = keras.optimizers.SGD(30.0, momentum=0.5)
        model.compile(optimizer, loss(reduction))
    # Quicker than a graph for two steps; replicas are always in one.
    model.run_eagerly = strategy.num_replicas_in_sync == 1
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model


def assert_same(found, wanted):
    for a, b in zip(found.weights, wanted.weights, strict=True):
        scale = max(np.abs(b).max(), 1.0)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (net, "dual"),
        (net, "truncated"),
        (net, "layerwise"),
        (recurrent, "dual"),
    ],
)
def test_exact_steps_are_those_of_one_with_the_whole_batch(
    make, rule, two_replicas
):
    one = tf.distribute.get_strategy()
    exact = rule != "layerwise"
    assert_same(
        trained(make, two_replicas, rule, exact), trained(make, one, rule, True)
    )


@pytest.mark.parametrize(
    ("exact", "reduction"), [(True, "sum_over_batch_size"), (False, "sum")]
)
def test_full_steps_of_examples_are_averaged_over_all(
    exact, reduction, two_replicas
):
    one = tf.distribute.get_strategy()
    assert_same(
        *(
            trained(net, strategy, "averaged", exact, reduction)
            for strategy in (two_replicas, one)
        )
    )


@pytest.mark.parametrize("rule", ["dual", "averaged"])
def test_a_replica_without_examples_takes_no_part(rule, two_replicas):
    with two_replicas.scope():
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
        model = make_implicit(model, rule, seed=0)
        model.compile(keras.optimizers.SGD(1.0), loss())
    # The last batch is one example.
    model.fit(X[:5], Y[:5], batch_size=4, shuffle=False, verbose=0)
    for value in model.get_weights():
        assert np.isfinite(value).all()


def test_an_exact_step_that_is_not_sound_moves_no_replica(two_replicas):
    with two_replicas.scope():
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
        model = make_implicit(model, seed=0, exact=True)
        model.compile(keras.optimizers.SGD(1.0), loss())
    before = model.model.get_weights()
    x = X.copy()
    # Seen by the second one.
    x[-1] = np.nan
    model.train_on_batch(x, Y)
    for a, b in zip(model.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.train_on_batch(X, Y)
    assert np.isfinite(model.model.get_weights()[0]).all()
    assert np.abs(model.model.get_weights()[0] - before[0]).max() > 0
