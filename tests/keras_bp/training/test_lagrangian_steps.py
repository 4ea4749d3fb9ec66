"""A step of `LagrangianModel`, with each constraint and kind of layer."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers
from lagrangian_toys import (
    CROSS_ENTROPY,
    assert_close,
    assert_equal,
    backpropagated,
    examples,
    kept,
    net,
    numbered,
    step_of,
    values_of,
    wrapped,
)

from keras_bp.training import LagrangianModel
from keras_bp.training._lagrangian_constraints import CONSTRAINTS, INEQUALITIES

X, Y = examples()
Piecewise = keras.optimizers.schedules.PiecewiseConstantDecay


def test_weights_of_examples_and_classes_weigh_the_loss():
    model = net(5, 4)
    trained = wrapped(model, inner_steps=300)
    weights = np.array([0.0, 2.0, 0.5, 1.0, 0.0, 3.0], "float32")
    expected = backpropagated(model, X, Y, sample_weight=weights)
    assert_close(step_of(trained, X, Y, sample_weight=weights), expected)
    classes = {0: 0.5, 1: 2.0, 2: 0.0}
    weights = np.array([classes[y] for y in Y])
    expected = backpropagated(model, X, Y, sample_weight=weights)
    trained = wrapped(model, inner_steps=300)
    assert_close(step_of(trained, X, Y, class_weight=classes), expected)


@pytest.mark.parametrize("states", ["transient", "persistent"])
def test_gradients_that_are_asked_for_are_those_of_the_next_step(states):
    trained = kept(states=states, rates=(1.0, None, None), num_examples=6)
    x = X if states == "transient" else numbered(X)
    trained.train_on_batch(x, Y)
    found = [gradient for _, gradient in trained.local_gradients(x, Y)]
    assert_close(values_of(found), step_of(trained, x, Y))


def test_layers_that_no_message_reaches_are_named():
    for few in (1, 2):
        with pytest.warns(UserWarning, match="Use 3 at least") as told:
            trained = wrapped(net(5, 4, 4), eager=True, inner_steps=few)
        names = [u.name for u in trained.graph.unknowns]
        assert f"none reaches {names[: 3 - few]}," in str(told[0].message)
        still = [
            not np.any(gradient)
            for weight, gradient in trained.local_gradients(X, Y)
            if len(weight.shape) > 1
        ]
        assert still == [True] * (3 - few) + [False] * (few + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrapped(net(5, 4, 4), inner_steps=3)
        kept(model=net(5, 4, 4), inner_steps=1)


@pytest.mark.parametrize("inner_steps", [1, 7])
def test_statistics_move_once_a_step(inner_steps):
    def make():
        normal = layers.BatchNormalization
        return net(5, normal(), 4, normal())

    model, plain = make(), make()
    # Unknowns that stay where the layers put them.
    trained = wrapped(
        model, eager=True, inner_steps=inner_steps, rates=(0.0, 0.0, 0.0)
    )
    trained.train_on_batch(X, Y)
    plain(X, training=True)
    assert_close(model.get_weights(), plain.get_weights(), rtol=1e-5)
    moved = values_of(model.non_trainable_weights)
    assert len(moved) == 4
    assert all(np.abs(x).max() > 1e-3 for x in moved)


def shared_noise():
    keras.utils.set_random_seed(0)
    inputs, drop = keras.Input((4,)), layers.Dropout(0.4)
    x = drop(layers.Dense(6, "tanh")(inputs))
    x = drop(layers.Dense(6, "tanh")(x))
    return keras.Model(inputs, layers.Dense(3)(x))


NOISY = {
    "two": lambda: net(6, layers.Dropout(0.4), 5, layers.Dropout(0.3)),
    "one twice": shared_noise,
    "before a frozen layer": lambda: net(6, layers.Dropout(0.4), 5),
}


@pytest.mark.parametrize("name", NOISY)
def test_all_steps_of_a_batch_see_the_same_noise_and_the_next_another(name):
    model = NOISY[name]()
    trained = wrapped(model, inner_steps=300)
    if "frozen" in name:
        model.layers[0].trainable = False
        trained.compile(keras.optimizers.SGD(1.0), loss=CROSS_ENTROPY)
    # Otherwise the states would not get to the gradient of these masks.
    first = backpropagated(model, X, Y)
    weights = model.get_weights()
    assert_close(step_of(trained, X, Y), first)
    model.set_weights(weights)
    second = backpropagated(model, X, Y)
    assert np.abs(second[0] - first[0]).max() > 1e-3
    assert_close(step_of(trained, X, Y), second)


@pytest.mark.parametrize("late", [False, True])
def test_frozen_layers_stay_and_others_learn(late):
    model = net(5, 4, 4)
    if not late:
        model.layers[0].trainable = False
    trained = LagrangianModel(model, rho=10.0, inner_steps=300)
    if late:
        model.layers[0].trainable = False
    trained.compile(keras.optimizers.SGD(1.0), loss=CROSS_ENTROPY)
    expected = backpropagated(model, X, Y)
    before = model.layers[0].get_weights()
    assert_close(step_of(trained, X, Y), expected)
    assert_equal(model.layers[0].get_weights(), before)


@pytest.mark.parametrize(
    ("constraint", "inequality"),
    [(name, None) for name in CONSTRAINTS]
    + [(name, "phr") for name in INEQUALITIES],
)
def test_each_constraint_steps_along_the_gradient(constraint, inequality):
    model = net(5, 4)
    # Powers vanish where they hold, and need many steps.
    many = constraint in ("squared", "cubic")
    trained = wrapped(
        model,
        eager=not many,
        constraint=constraint,
        inequality=inequality,
        epsilon=0.01,
        inner_steps=400 if many else 10,
    )
    true = backpropagated(model, X, Y)[0]
    # Of the first layer, which is the farthest from the loss.
    found = step_of(trained, X, Y)[0]
    norms = np.linalg.norm(found) * np.linalg.norm(true)
    assert np.sum(found * true) > 0.95 * norms


@pytest.mark.parametrize("eager", [True, False])
def test_the_loss_that_is_told_is_that_before_the_step(eager):
    model = net(4, kernel_regularizer="l2")
    trained = wrapped(model, eager=eager, rates=(1.0, None, None))
    expected = trained.evaluate(X, Y, verbose=0)
    found = trained.fit(X, Y, verbose=0).history["loss"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
