"""Steps and data that a `LagrangianModel` refuses while it trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from lagrangian_toys import (
    assert_equal,
    examples,
    kept,
    net,
    numbered,
    rows_of,
    values_of,
    wrapped,
)

from keras_bp.training import LagrangianModel, index_examples

X, Y = examples()
ADAM = keras.optimizers.Adam


def test_support_without_states_needs_a_batch():
    for trained in (kept(), kept(states="transient")):
        with pytest.raises(ValueError, match="expects a batch, `x` and `y`"):
            trained.support()
        assert set(trained.support(X, Y)) == {
            unknown.name for unknown in trained.graph.unknowns
        }


@pytest.mark.parametrize(
    ("states", "eager"), [("transient", "xla"), ("persistent", True)]
)
def test_a_step_that_diverges_is_not_taken_and_ends_training(states, eager):
    trained = kept(
        states=states,
        eager=eager,
        rates=(ADAM(0.1), 0.05, 0.5),
        model=net(5),
        num_examples=6,
    )
    wrong = np.where(np.arange(24) == 5, np.nan, X.ravel()).reshape(X.shape)
    x, wrong = (numbered(a.astype("float32")) for a in (X, wrong))
    if states == "transient":
        x, wrong = x["inputs"], wrong["inputs"]
    trained.fit(x, Y, verbose=0)

    def lasting():
        rows = rows_of(trained) if states == "persistent" else []
        return [*values_of(trained.trainable_variables), *rows]

    before = lasting()
    with pytest.raises(FloatingPointError, match="diverged at or before step"):
        trained.fit(wrong, Y, epochs=3, verbose=0)
    assert_equal(lasting(), before)
    assert int(trained.steps.value) == 2
    # What is right again goes on.
    trained.fit(x, Y, verbose=0)
    assert np.abs(lasting()[0] - before[0]).max() > 1e-3
    assert all(np.isfinite(a).all() for a in lasting())


def test_rates_that_are_too_large_are_said_to_diverge():
    trained = kept(states="transient", rates=(0.1, 90.0, 90.0), inner_steps=9)
    before = values_of(trained.trainable_variables)
    with pytest.raises(FloatingPointError, match="smaller rates of `state_opt"):
        trained.fit(X, Y, verbose=0)
    assert_equal(values_of(trained.trainable_variables), before)


def test_a_batch_by_hand_whose_step_is_not_taken_is_an_error():
    trained = kept(states="transient")
    wrong = np.where(np.arange(24) == 5, np.nan, X.ravel()).reshape(X.shape)
    with pytest.raises(FloatingPointError, match="see that the data are fin"):
        trained.train_on_batch(wrong, Y)
    # It is told once, and what is right goes on.
    assert np.isfinite(trained.train_on_batch(X, Y, return_dict=True)["loss"])


@pytest.fixture(scope="module")
def numbers():
    trained = kept(eager=False, num_examples=6)
    trained.fit(numbered(X), Y, verbose=0)
    return trained


@pytest.mark.parametrize(
    "index", [[0, 1, 2, 3, 4, 6], [-1, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 3]]
)
def test_wrong_numbers_are_refused_and_change_nothing(numbers, index):
    before = rows_of(numbers) + values_of(numbers.trainable_variables)
    x = {"example_index": np.array(index), "inputs": X}
    with pytest.raises(ValueError, match="different numbers, from 0 to 5"):
        numbers.fit(x, Y, verbose=0)
    after = rows_of(numbers) + values_of(numbers.trainable_variables)
    assert_equal(after, before)
    for ask in (
        numbers.support,
        numbers.local_gradients,
        numbers.lagrangian_diagnostics,
        numbers.export_support_network,
    ):
        with pytest.raises(ValueError, match="numbers, from 0 to 5. Received"):
            ask(x, Y)


def test_another_size_of_the_data_set_is_refused(tmp_path):
    trained = kept()
    trained.fit(X, Y, verbose=0)
    trained.save(tmp_path / "model.keras")
    for model in (trained, keras.models.load_model(tmp_path / "model.keras")):
        with pytest.raises(
            ValueError, match="of 6 examples, and expects to go"
        ):
            model.fit(X[:5], Y[:5], verbose=0)
        with pytest.raises(ValueError, match="Received: 12 examples"):
            model.fit(np.tile(X, (2, 1)), np.tile(Y, 2), verbose=0)
    # Some of them, by their numbers.
    x = {"example_index": np.array([5, 2]), "inputs": X[[5, 2]]}
    trained.fit(x, Y[[5, 2]], verbose=0)
    np.testing.assert_array_equal(trained.tables.count, [3, 3, 6, 3, 3, 6])


def test_data_without_numbers_are_refused():
    quiet = {"verbose": 0, "shuffle": False}
    source = tf.data.Dataset.from_tensor_slices((X, Y))
    with pytest.raises(ValueError, match="hold the numbers of its examples"):
        kept(num_examples=6).fit(source.batch(3), **quiet)
    with pytest.raises(ValueError, match="expects `num_examples` for a data"):
        kept().fit(index_examples(source).batch(3), **quiet)
    with pytest.raises(
        ValueError, match="LagrangianModel expects `num_examples`"
    ):
        LagrangianModel(net(5), states="persistent").state_memory()


def test_states_that_are_not_there_yet_are_not_asked_for():
    new = LagrangianModel(net(5), states="persistent")
    for ask in (lambda: new.fit(X, Y), lambda: new.state_memory(6)):
        with pytest.raises(ValueError, match="expects `compile` before"):
            ask()
    for ask in (kept().lagrangian_diagnostics, kept().local_gradients):
        with pytest.raises(ValueError, match="fit it, or give it `num_exampl"):
            ask(numbered(X), Y)


def test_rules_may_change_if_their_slots_do_not():
    trained = kept(rates=(0.1, ADAM(0.1), 0.1), num_examples=6)
    trained.train_on_batch(numbered(X), Y)
    before = rows_of(trained)
    slots = {"multiplier_optimizer": "sgd", "loss": "mse"}
    trained.compile("sgd", state_optimizer=ADAM(0.3), **slots)
    assert_equal(rows_of(trained), before)
    with pytest.raises(ValueError, match="1 and 0 slots, after 2 and 0"):
        trained.compile("sgd", state_optimizer="rmsprop", **slots)


def test_noise_is_no_part_of_persistent_states():
    net = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dropout(0.5, name="noisy"),
            keras.layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match="'noisy'.*from visit to visit"):
        LagrangianModel(net, states="persistent")
    LagrangianModel(net, states="transient")


def test_forces_are_asked_for_after_compile_and_of_arrays():
    model = LagrangianModel(net(4))
    with pytest.raises(ValueError, match="compile"):
        model.support(X, Y)
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="arrays"):
        model.lagrangian_diagnostics(X, Y.tolist())


@pytest.mark.parametrize("bad", ["number", "target"])
def test_replicas_step_together_or_not_at_all(bad, two_replicas):
    with two_replicas.scope():
        model = LagrangianModel(
            net(4), states="persistent", inner_steps=1, num_examples=8
        )
        model.compile(keras.optimizers.SGD(1.0), loss="mse")
    x = numbered(X[:4])
    y = np.zeros((4, 3), "float32")
    # What the second one sees: an example of the first, or no number.
    if bad == "number":
        x["example_index"][3] = 0
    else:
        y[3] = np.nan
    before = rows_of(model), model.model.get_weights()
    kind, words = {
        "number": (ValueError, "different numbers"),
        "target": (FloatingPointError, "diverged"),
    }[bad]
    with pytest.raises(kind, match=words):
        model.fit(x, y, batch_size=4, verbose=0, shuffle=False)
    assert_equal(rows_of(model), before[0])
    assert_equal(model.model.get_weights(), before[1])


@pytest.mark.parametrize("eager", [True, False, "xla"])
def test_statistics_do_not_keep_a_step_that_is_not_taken(eager):
    model = net(2, keras.layers.BatchNormalization())
    rates = 0.1, 0.01, 0.01
    trained = wrapped(model, eager=eager, rates=rates, inner_steps=1)
    trained.train_on_batch(X, Y)
    before = values_of(model.weights)
    wrong = np.where(X[0, 0] == X, np.nan, X)
    with pytest.raises(FloatingPointError, match="diverged"):
        trained.train_on_batch(wrong, Y)
    assert_equal(values_of(model.weights), before)


def test_callbacks_that_are_made_up_already_do_not_hide_a_step_not_taken():
    trained = kept(states="transient", model=net(4))
    wrong = np.where(X[0, 0] == X, np.nan, X)
    ready = keras.callbacks.CallbackList([], add_history=True, model=trained)
    with pytest.raises(FloatingPointError, match="diverged"):
        trained.fit(wrong, Y, callbacks=ready, verbose=0)
    history = trained.fit(X, Y, callbacks=ready, verbose=0)
    assert np.isfinite(history.history["loss"][-1])
