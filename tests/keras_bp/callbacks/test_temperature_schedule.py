import math

import keras
import numpy as np
import pytest

from keras_bp.callbacks import TemperatureSchedule
from keras_bp.layers import StochasticNode

X = np.ones((8, 2), "float32")


def network(jit_compile=False):
    """What it predicts is the mean of relaxed bits at logits of one."""
    node = StochasticNode(estimator="gumbel", seed=1, name="node")
    model = keras.Sequential([keras.Input((2,)), node])
    model.compile("sgd", loss="mse", jit_compile=jit_compile)
    return model


def temperature(model):
    return float(model.get_layer("node").temperature.value)


def test_epochs_cool_exponentially_down_to_the_least():
    model = network()
    cool = TemperatureSchedule(initial=2.0, rate=0.5, minimum=0.6)
    logs = model.fit(X, X, epochs=4, verbose=0, callbacks=[cool]).history
    want = [2.0, 2 * math.exp(-0.5), 2 * math.exp(-1.0), 0.6]
    np.testing.assert_allclose(logs["temperature"], want, rtol=1e-6)
    np.testing.assert_allclose(temperature(model), 0.6, rtol=1e-6)


def test_batches_count_the_steps_of_the_optimizer():
    node = StochasticNode(estimator="gumbel", seed=1, name="node")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), node])
    model.compile("sgd", loss="mse")
    cool = TemperatureSchedule(rate=0.1, minimum=1e-3, every="batch")
    model.fit(X, X, batch_size=2, epochs=2, verbose=0, callbacks=[cool])
    # The last of eight batches, after seven.
    np.testing.assert_allclose(temperature(model), math.exp(-0.7), rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_step_reads_the_new_temperature(jit_compile):
    model = network(jit_compile)
    losses = []
    for value in (0.01, 100.0):
        cool = TemperatureSchedule(schedule=lambda time, value=value: value)
        history = model.fit(
            X, 0.5 + 0 * X, epochs=1, verbose=0, callbacks=[cool]
        )
        losses.append(history.history["loss"][0])
    # Bits are half a unit away from a half, cold; warm ones are not.
    np.testing.assert_allclose(losses, [0.25, 0.0], atol=0.01)


def test_a_resumed_training_goes_on():
    model = network()
    cool = TemperatureSchedule(rate=0.5, minimum=0.01)
    model.fit(X, X, epochs=4, initial_epoch=3, verbose=0, callbacks=[cool])
    np.testing.assert_allclose(temperature(model), math.exp(-1.5), rtol=1e-6)


def test_a_model_without_nodes_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="holds a keras_bp.layers.Stochastic"):
        model.fit(X, X, verbose=0, callbacks=[TemperatureSchedule()])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"initial": 0.0}, "initial"),
        ({"rate": -1.0}, "rate"),
        ({"minimum": 0.0}, "minimum"),
        ({"every": "year"}, "every"),
    ],
)
def test_wrong_numbers_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        TemperatureSchedule(**arguments)


def test_a_wrong_schedule_is_refused():
    with pytest.raises(TypeError, match="to be a function or None"):
        TemperatureSchedule(schedule=0.5)
    with pytest.raises(ValueError, match="a number above zero"):
        TemperatureSchedule(schedule=lambda time: -1.0).temperature(0)
