"""What a `LagrangianModel` refuses, and what it says."""

import keras
import pytest
from keras import layers
from lagrangian_toys import net

from keras_bp.training import LagrangianModel


def sequences(*hidden, shape=(4, 2)):
    return keras.Sequential([keras.Input(shape), *hidden, layers.Dense(3)])


def stated():
    inputs, state = keras.Input((4, 2)), keras.Input((3,))
    x = layers.GRU(3)(inputs, initial_state=state)
    return keras.Model([inputs, state], layers.Dense(3)(x))


def masked():
    inputs, mask = keras.Input((4, 2)), keras.Input((4,), dtype="bool")
    x = layers.GRU(3)(inputs, mask=mask)
    return keras.Model([inputs, mask], layers.Dense(3)(x))


def whole_numbers():
    inputs = keras.Input((4,))
    x = keras.ops.cast(layers.Dense(3)(inputs), "int32")
    return keras.Model(inputs, layers.Embedding(5, 2)(x))


def activity():
    layer = layers.Dense(3, activity_regularizer="l2", name="busy")
    return sequences(layer, shape=(4,))


# The model, and words of the error: the layer, why, and what to do.
LAYERS = {
    "activity": (
        activity,
        "'busy' .*Dense.* `activity_regularizer`.* Regularize its weights",
    ),
    "masking": (
        lambda: sequences(layers.Masking(), layers.LSTM(3)),
        "Masking.* makes a mask.* sequences of one length",
    ),
    "embedding": (
        lambda: sequences(
            layers.Embedding(5, 2, mask_zero=True), layers.GRU(3), shape=(4,)
        ),
        "Embedding.* makes a mask",
    ),
    "bidirectional": (
        lambda: sequences(layers.Bidirectional(layers.LSTM(3))),
        "Bidirectional.* cannot be taken apart.* two of them",
    ),
    "images in time": (
        lambda: sequences(layers.ConvLSTM1D(2, 2), shape=(4, 5, 2)),
        "ConvLSTM1D.* Use SimpleRNN, GRU or LSTM",
    ),
    "own cells": (
        lambda: sequences(layers.RNN(layers.LSTMCell(3))),
        "RNN.* cannot be taken apart",
    ),
    "no size": (
        lambda: sequences(
            layers.Conv1D(2, 2), layers.Conv1D(2, 2), shape=(None, 2)
        ),
        r"no fixed size, but the shape \(None, None, 2\).* fixed shape",
    ),
    "no length": (
        lambda: sequences(layers.LSTM(3), shape=(None, 2)),
        "LSTM.* sequences have no fixed length",
    ),
    "whole numbers": (whole_numbers, "is of type int32.* real values"),
    "stateful": (
        lambda: keras.Sequential(
            [
                keras.Input(batch_shape=(2, 4, 2)),
                layers.GRU(3, stateful=True),
                layers.Dense(3),
            ]
        ),
        "it is stateful. Use stateful=False",
    ),
    "dropout": (
        lambda: sequences(layers.LSTM(3, dropout=0.1)),
        "dropout inside. Put a Dropout layer before",
    ),
    "recurrent dropout": (
        lambda: sequences(layers.LSTM(3, recurrent_dropout=0.1)),
        "dropout inside",
    ),
    "initial state": (stated, "given an initial state. Let it begin at zero"),
    "mask": (masked, "given a mask. Use sequences of one length"),
    "nothing hidden": (
        lambda: sequences(shape=(4,)),
        "no neurons between the inputs and the outputs.* add a hidden layer",
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_cannot_be_a_constraint_is_named_with_what_to_do(name):
    make, words = LAYERS[name]
    with pytest.raises(ValueError, match=words):
        LagrangianModel(make())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"constraint": "cube"}, ValueError, "`constraint` to be one of"),
        ({"states": "kept"}, ValueError, "`states` to be one of"),
        ({"inequality": "alm"}, ValueError, "`inequality` to be one of"),
        ({"stabilizer": "adam"}, ValueError, "`stabilizer` to be one of"),
        ({"rho": -1.0}, ValueError, "`rho` to be zero or greater"),
        ({"rho": "much"}, ValueError, "`rho` to be zero or greater"),
        ({"rho": float("nan")}, ValueError, "`rho` to be zero or greater"),
        ({"epsilon": -0.1}, ValueError, "`epsilon` to be zero or greater"),
        ({"inner_steps": 0}, ValueError, "`inner_steps` to be 1 or greater"),
        ({"inner_steps": 2.5}, TypeError, "`inner_steps` to be an integer"),
        ({"num_examples": 0}, ValueError, "`num_examples` to be 1 or greater"),
        (
            {"constraint": "cubic", "inequality": "phr"},
            ValueError,
            "`constraint` to be one of .* with an inequality",
        ),
        (
            {"rho": 0, "inequality": "phr", "constraint": "abs"},
            ValueError,
            "`rho` to be greater than zero with an inequality",
        ),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, error, words):
    with pytest.raises(error, match=f"LagrangianModel expects {words}"):
        LagrangianModel(net(5), **arguments)


class Coded(keras.Model):
    """A model whose graph is code."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Coded(), "LagrangianModel expects a Sequential or functional model"),
        (layers.Dense(3), "LagrangianModel expects `model` to be a keras.Mod"),
        (None, "Received: model=builtins.NoneType"),
    ],
)
def test_what_has_no_graph_is_refused(model, words):
    with pytest.raises(TypeError, match=words):
        LagrangianModel(model)


def test_a_model_that_is_not_built_is_refused():
    model = keras.Sequential([layers.Dense(3), layers.Dense(2)])
    with pytest.raises(ValueError, match="LagrangianModel expects a built"):
        LagrangianModel(model)


def compiled(trained, states, multipliers=None):
    trained.compile(
        "sgd",
        "mse",
        state_optimizer=states,
        multiplier_optimizer=multipliers,
    )


@pytest.mark.parametrize("given", [(None, None), ("sgd", None), (None, "sgd")])
def test_without_rho_there_are_no_rates_that_fit(given):
    trained = LagrangianModel(net(5), rho=0.0)
    with pytest.raises(ValueError, match="`multiplier_optimizer` with rho=0"):
        compiled(trained, *given)
    compiled(trained, "sgd", "sgd")


def test_optimizers_that_examples_cannot_have_are_refused():
    trained = LagrangianModel(net(5))
    with pytest.raises(TypeError, match="expects `state_optimizer` to be one"):
        compiled(trained, "lion")
    clipped = keras.optimizers.SGD(clipnorm=1.0)
    with pytest.raises(ValueError, match="`multiplier_optimizer` without `cl"):
        compiled(trained, "sgd", clipped)


class Costly(layers.Layer):
    """Adds a loss in its call."""

    def call(self, x):
        self.add_loss(keras.ops.mean(keras.ops.square(x)))
        return x


@pytest.mark.parametrize("run_eagerly", [True, False])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_loss_that_a_layer_adds_is_refused(run_eagerly, place):
    several = [layers.Dense(3, kernel_regularizer="l2"), layers.Dense(3)]
    several.insert(place, Costly(name="costly"))
    model = LagrangianModel(
        keras.Sequential([keras.Input((4,)), *several]), inner_steps=1
    )
    model.compile("sgd", "mse", run_eagerly=run_eagerly)
    with pytest.raises(ValueError, match="'costly'.*adds a loss"):
        model.train_on_batch(keras.ops.ones((2, 4)), keras.ops.ones((2, 3)))


@pytest.mark.parametrize("reduction", ["sum", None])
def test_a_loss_that_is_no_mean_is_refused(reduction):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    with pytest.raises(ValueError, match="LagrangianModel expects losses that"):
        LagrangianModel(net(3)).compile("sgd", loss={"out": [None, loss]})
