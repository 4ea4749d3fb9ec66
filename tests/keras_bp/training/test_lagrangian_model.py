"""What users do with a `LagrangianModel`."""

import keras
import numpy as np
import pytest
from keras import layers
from lagrangian_toys import (
    CROSS_ENTROPY,
    assert_close,
    assert_equal,
    examples,
    net,
    numbered,
    step_of,
    values_of,
    wrapped,
)

from keras_bp.training import LagrangianModel
from keras_bp.training._lagrangian_relaxation import Relaxation

X, Y = examples()
Piecewise = keras.optimizers.schedules.PiecewiseConstantDecay


@pytest.fixture(scope="module")
def fitted():
    """A model, what it was wrapped in, its history, and data."""
    x, _ = examples(24)
    y = np.argmax(x[:, :3], axis=1)
    model = net(8, layers.BatchNormalization(), 6)
    trained = LagrangianModel(model)
    trained.compile(
        keras.optimizers.Adam(0.03), loss=CROSS_ENTROPY, metrics=["accuracy"]
    )
    history = trained.fit(x, y, batch_size=8, epochs=25, verbose=0).history
    return model, trained, history, x, y


def test_it_learns(fitted):
    history = fitted[2]
    assert set(history) == {"loss", "accuracy", "residual"}
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    assert 0 < history["residual"][-1] < 0.05


def test_it_predicts_and_is_evaluated_as_the_model_it_trains(fitted):
    model, trained, _, x, y = fitted
    plain = keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    plain.compile(loss=CROSS_ENTROPY, metrics=["accuracy"])
    found = trained.evaluate(x, y, verbose=0, return_dict=True)
    expected = plain.evaluate(x, y, verbose=0, return_dict=True)
    assert found.keys() == expected.keys() == {"loss", "accuracy"}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5)
    found = trained.predict(x, verbose=0)
    np.testing.assert_allclose(found, plain(x), rtol=1e-5)


def test_diagnostics_tell_how_far_the_states_are_and_change_nothing(fitted):
    model, trained, _, x, y = fitted
    before = values_of(trained.variables)
    found = trained.lagrangian_diagnostics(x, y)
    assert_equal(values_of(trained.variables), before)
    total = found["total"]
    outputs = model(x, training=True)
    assert_equal(values_of(trained.variables)[:3], before[:3])
    np.testing.assert_allclose(
        total["forward_loss"], float(CROSS_ENTROPY(y, outputs)), rtol=1e-4
    )
    assert total["forward_accuracy"] == np.mean(np.argmax(outputs, 1) == y)
    assert total["relaxed_loss"] < total["forward_loss"]
    assert set(found["layers"]) == {u.name for u in trained.graph.unknowns}
    mean = 0.0
    for each in found["layers"].values():
        assert each["cosine"] > 0.8
        assert 0 < each["residual_mean"] <= each["residual_max"]
        mean += each["outside"] / 2
    assert mean > 0.9


@pytest.mark.slow
def test_it_steps_the_same_in_eager_mode_in_a_graph_and_under_xla():
    found = []
    for eager in (True, False, "xla"):
        trained = wrapped(
            net(5, layers.BatchNormalization(), 4),
            eager=eager,
            states="persistent",
            num_examples=6,
            inner_steps=4,
            rates=(0.5, None, keras.optimizers.Adam(0.01)),
        )
        for _ in range(3):
            trained.train_on_batch(numbered(X), Y)
        found.append(values_of(trained.variables))
    assert_close(found[0], found[1], rtol=1e-3, atol=1e-5)
    assert_close(found[0], found[2], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("states", ["transient", "persistent"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_trains_in_mixed_precision(policy, states):
    def step():
        trained = wrapped(
            net(5, 4),
            eager=True,
            states=states,
            num_examples=6,
            inner_steps=4,
            rates=(1.0, 0.1, 1.0),
        )
        x = X if states == "transient" else numbered(X)
        first = step_of(trained, x, Y)
        tables = trained.tables.values if trained.tables else []
        # Small differences of unknowns are what trains.
        for value in Relaxation(trained, X, Y, None).forward()[0]:
            assert value.dtype == np.float32
        return [*first, *values_of(tables)], trained

    expected, _ = step()
    keras.config.set_dtype_policy(policy)
    try:
        found, trained = step()
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = isinstance(trained.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == np.float32
        near = 0.15 if policy == "mixed_bfloat16" else 0.02
        assert np.linalg.norm(a - b) < near * np.linalg.norm(b)


@pytest.mark.parametrize("name", ["rho", "epsilon"])
def test_schedules_are_followed_from_step_to_step(name):
    def make(value, model):
        return wrapped(
            model,
            eager=True,
            constraint="eps",
            inner_steps=3,
            rates=(0.5, 0.3, 0.5),
            **{name: value},
        )

    first, second = 0.01, 2.0
    model, other = net(5, 4), net(5, 4)
    trained = make(Piecewise([0], [first, second]), model)
    for value in (first, second):
        now = getattr(trained, f"{name}_now")()
        np.testing.assert_allclose(now, value, rtol=1e-6)
        trained.train_on_batch(X, Y)
        make(value, other).train_on_batch(X, Y)
    assert_close(model.get_weights(), other.get_weights(), rtol=1e-6)
    third = net(5, 4)
    for _ in range(2):
        make(first, third).train_on_batch(X, Y)
    assert np.abs(third.get_weights()[0] - model.get_weights()[0]).max() > 1e-5


def test_its_configuration_makes_it_again():
    given = {
        "constraint": "squared",
        "inequality": "phr",
        "epsilon": Piecewise([5], [0.5, 0.1]),
        "rho": 3.0,
        "states": "persistent",
        "inner_steps": 4,
        "stabilizer": "optimistic",
        "transport": False,
        "num_examples": 9,
    }
    trained = LagrangianModel(net(5), **given)
    trained.compile(
        "adam",
        "mse",
        state_optimizer="rmsprop",
        multiplier_optimizer="sgd",
    )
    config = keras.saving.serialize_keras_object(trained)
    again = keras.saving.deserialize_keras_object(config)
    for name, value in given.items():
        if name != "epsilon":
            assert getattr(again, name) == value
    assert again.epsilon.get_config() == given["epsilon"].get_config()
    assert [x.shape for x in again.weights] == [
        x.shape for x in trained.weights
    ]
    assert isinstance(again.optimizer, keras.optimizers.Adam)
    assert isinstance(again.state_optimizer, keras.optimizers.RMSprop)
    assert isinstance(again.multiplier_optimizer, keras.optimizers.SGD)


def test_fit_takes_its_arguments_by_position():
    trained = wrapped(net(5), eager=True, states="persistent", inner_steps=2)
    seen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    epochs = []
    trained.fit(X, Y, 3, 2, 0, seen)
    assert epochs == [0, 1]
    assert int(trained.steps.value) == 4
    np.testing.assert_array_equal(trained.tables.count, [4] * 6)
