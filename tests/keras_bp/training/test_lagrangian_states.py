"""States that a `LagrangianModel` keeps for each example."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from lagrangian_toys import (
    assert_close,
    assert_equal,
    backpropagated,
    examples,
    kept,
    net,
    numbered,
    rows_of,
    values_of,
    wrapped,
)

from keras_bp.training import index_examples
from keras_bp.training._lagrangian_fit import told_memory
from keras_bp.training._lagrangian_relaxation import Relaxation
from keras_bp.training._lagrangian_step import start

X, Y = examples()
ADAM = keras.optimizers.Adam


@pytest.mark.parametrize("states", ["transient", "persistent"])
def test_a_model_that_is_loaded_goes_on_to_the_last_bit(states, tmp_path):
    trained = wrapped(
        net(5, layers.BatchNormalization(), 4),
        eager=states == "persistent",
        states=states,
        inner_steps=3,
        rho=keras.optimizers.schedules.ExponentialDecay(9.0, 3, 0.5),
        stabilizer="optimistic",
        rates=(
            ADAM(0.03),
            None if states == "persistent" else ADAM(0.01),
            ADAM(0.02),
        ),
    )
    options = {"batch_size": 3, "verbose": 0, "shuffle": False}
    trained.fit(X, Y, **options)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.num_examples == (6 if states == "persistent" else None)
    assert_equal(values_of(loaded.variables), values_of(trained.variables))
    logs = [x.fit(X, Y, **options).history for x in (trained, loaded)]
    assert logs[0] == logs[1]
    assert int(loaded.steps.value) == 4
    assert_equal(values_of(loaded.variables), values_of(trained.variables))


def test_two_visits_are_one_of_as_many_steps_if_weights_stay():
    slots = {"rates": (0.0, ADAM(0.05), ADAM(0.03))}
    often, long = kept(**slots, inner_steps=4), kept(**slots, inner_steps=8)
    often.fit(X, Y, 3, epochs=2, shuffle=False, verbose=0)
    long.fit(X, Y, 3, epochs=1, shuffle=False, verbose=0)
    rows = rows_of(long)
    np.testing.assert_array_equal(rows[0], [8] * 6)
    assert len(rows) == 1 + 4 * 3
    assert all(np.abs(x).min() > 0 for x in rows)
    assert_close(rows_of(often), rows, rtol=1e-3, atol=1e-6)


def test_states_of_a_batch_are_new_if_they_are_not_kept():
    trained = kept(states="transient", rates=(0.0, 0.05, 0.5))
    logs = trained.fit(X, Y, 6, epochs=2, shuffle=False, verbose=0).history
    assert trained.tables is None
    assert logs["residual"][0] == logs["residual"][1] > 0
    keeps = kept(rates=(0.0, 0.05, 0.5))
    logs = keeps.fit(X, Y, 6, epochs=2, shuffle=False, verbose=0).history
    assert abs(logs["residual"][0] - logs["residual"][1]) > 1e-4


@pytest.mark.parametrize("transport", [True, False])
def test_an_example_that_is_not_visited_stays(transport):
    rates = (0.3, ADAM(0.05), ADAM(0.03))
    trained = kept(rates=rates, transport=transport, num_examples=6)

    def visit(*index):
        x = {"example_index": np.array(index), "inputs": X[list(index)]}
        trained.train_on_batch(x, Y[list(index)])

    visit(4, 1, 0)
    before = rows_of(trained)
    visit(1, 5)
    np.testing.assert_array_equal(trained.tables.count, [3, 6, 0, 0, 3, 3])
    for now, then in zip(rows_of(trained), before, strict=True):
        np.testing.assert_array_equal(now[[0, 2, 3, 4]], then[[0, 2, 3, 4]])
        assert (now[[1, 5]] != then[[1, 5]]).reshape(2, -1).any(axis=1).all()
        assert not now[[2, 3]].any()


def begun(trained):
    """Where the next steps would begin, and their residuals."""
    relaxation = Relaxation(trained, X, Y, None)
    values = start(trained, relaxation, np.arange(6))[0].values
    return values_of(values), values_of(relaxation.residuals(values))


def test_transport_changes_nothing_while_weights_stay():
    with_it, without = (
        kept(transport=transport, rates=(0.0, 0.05, 0.5))
        for transport in (True, False)
    )
    for trained in (with_it, without):
        trained.fit(X, Y, 3, epochs=2, shuffle=False, verbose=0)
        values, residuals = begun(trained)
        assert np.abs(residuals[0]).min() > 0
        table = residuals if trained.transport else values
        assert_close(values_of(trained.tables.values), table)
    for a, b in zip(begun(with_it), begun(without), strict=True):
        assert_close(a, b)


def test_multipliers_of_stiff_unknowns_do_not_swing():
    model = net(5, 4)
    first = model.get_weights()[:2]
    model.set_weights([*first, *(3 * w for w in model.get_weights()[2:])])
    true = backpropagated(model, X, Y)[0]
    trained = kept(
        model=model,
        eager=False,
        inner_steps=5,
        rates=(0.0, None, None),
        num_examples=6,
    )
    shares = []
    for _ in range(40):
        trained.train_on_batch(numbered(X), Y)
        (_, local), *_ = trained.local_gradients(numbered(X), Y)
        shares.append(np.sum(local * true) / np.sum(true * true))
    assert float(trained.stiffness[0].value) > 10 * trained.rho
    assert np.max(shares) < 1.2
    np.testing.assert_allclose(shares[-1], 1.0, atol=0.15)


@pytest.mark.parametrize("kind", ["dense", "recurrent"])
def test_unknowns_follow_weights_that_move_if_they_are_transported(kind):
    for transport in (True, False):
        model = net(5, 4)
        x = X
        if kind == "recurrent":
            model = net(layers.LSTM(3), shape=(4, 2))
            x = examples(6, (4, 2))[0]
        trained = kept(model=model, transport=transport)
        trained.fit(x, Y, 6, verbose=0)

        def begin(trained=trained, x=x):
            relaxation = Relaxation(trained, x, Y, None)
            values = start(trained, relaxation, np.arange(6))[0].values
            return values_of(values), values_of(relaxation.residuals(values))

        before = begin()
        assert all(np.abs(r).max() > 1e-3 for r in before[1])
        model.set_weights([1.5 * w for w in model.get_weights()])
        after = begin()
        # The distance stays, or the value does.
        stays, moves = (1, 0) if transport else (0, 1)
        assert_close(after[stays], before[stays])
        assert np.abs(after[moves][0] - before[moves][0]).max() > 0.01


def test_memory_is_that_of_the_tables(capsys):
    trained = kept(
        rates=(0.1, ADAM(0.01), 0.1), stabilizer="optimistic", num_examples=50
    )
    # Values, multipliers, three slots and one, of 9 neurons; and the count.
    assert trained.state_memory() == 50 * 4 * (9 * 6 + 1)
    assert trained.state_memory() == sum(x.nbytes for x in rows_of(trained))
    assert trained.state_memory(7) == 7 * 4 * (9 * 6 + 1)
    trained.train_on_batch(numbered(X), Y)
    assert capsys.readouterr().out == ""


def test_memory_is_told_before_training(capsys):
    count = 2**20 // 80
    trained = kept(num_examples=2 * count)
    said = []
    trained.fit(
        numbered(X),
        Y,
        verbose=2,
        callbacks=keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: said.append(capsys.readouterr().out)
        ),
    )
    assert said == [f"States of {2 * count} examples take 1.9 MiB.\n"]
    trained.fit(numbered(X), Y, verbose=0)
    assert "States" not in capsys.readouterr().out
    source = tf.data.Dataset.from_tensor_slices((X, Y))
    data = index_examples(source).batch(6)
    trained.fit(data, shuffle=False, verbose=2)
    assert capsys.readouterr().out.startswith("States of ")


def test_a_data_set_with_numbers_trains_as_its_arrays_do():
    arrays, data = kept(), kept(num_examples=6)
    arrays.fit(X, Y, 2, epochs=2, shuffle=False, verbose=0)
    source = tf.data.Dataset.from_tensor_slices((X, Y))
    data.fit(
        index_examples(source).batch(2), epochs=2, verbose=0, shuffle=False
    )
    assert_close(rows_of(data), rows_of(arrays), rtol=1e-5)
    assert_close(values_of(data.weights), values_of(arrays.weights), rtol=1e-5)


def test_states_that_are_not_kept_need_no_numbers():
    trained = kept(states="transient")
    source = tf.data.Dataset.from_tensor_slices((X, Y))
    for data in (source, index_examples(source)):
        trained.fit(data.batch(3), shuffle=False, verbose=0)
    assert int(trained.steps.value) == 4


def test_support_counts_the_multipliers_that_are_kept():
    trained = kept(constraint="abs", inequality="phr", epsilon=0.1)
    trained.fit(X, Y, 6, epochs=8, verbose=0)
    found = trained.support()
    for unknown, table in zip(
        trained.graph.unknowns, trained.tables.multipliers, strict=True
    ):
        active = np.abs(table.numpy()) > 1e-6
        each = found[unknown.name]
        assert each["pairs"] == active.mean()
        np.testing.assert_array_equal(each["is_support"], active.any(axis=0))
        assert each["neurons"] == active.any(axis=0).mean()
    assert 0 < min(each["pairs"] for each in found.values()) < 1


def fitted(strategy, states):
    """A model that two replicas, or one alone, have trained twice."""
    options = {"batch_size": 4, "epochs": 2, "verbose": 0, "shuffle": False}
    # One more than is seen: parts of replicas differ in size.
    kind = {"states": states, "inner_steps": 2, "num_examples": 9}
    # Quicker than a graph for a few steps; replicas are always in one.
    kind["eager"] = strategy.num_replicas_in_sync == 1
    x, y = examples(8)
    with strategy.scope():
        model = wrapped(net(5, 4), rates=(0.3, ADAM(0.05), None), **kind)
    # The second time each replica sees the examples of the other.
    for index in (np.arange(8), np.r_[2:4, 0:2, 6:8, 4:6]):
        part = {"example_index": index, "inputs": x[index]}
        model.fit(part, y[index], **options)
    return model


@pytest.fixture(scope="module")
def persistent(two_replicas):
    return fitted(two_replicas, "persistent")


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        atol = 1e-5 * max(np.abs(b).max(), 1e-3)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=atol)


def test_a_step_reads_the_rows_of_its_batch_alone():
    trained = kept(num_examples=1000)
    trained.train_on_batch(numbered(X), Y)
    batch = ({"example_index": np.arange(6), "inputs": X}, Y)
    step = tf.function(lambda: trained.train_step(batch), autograph=False)
    shapes = [
        output.shape
        for operation in step.get_concrete_function().graph.get_operations()
        for output in operation.outputs
    ]
    assert [s for s in shapes if s.rank and s[0] == 6]
    assert not [s for s in shapes if s.rank and s[0] == 1000]


@pytest.mark.slow
@pytest.mark.parametrize("states", ["transient", "persistent"])
def test_two_replicas_step_as_one(states, two_replicas, persistent):
    one, two = fitted(tf.distribute.get_strategy(), states), persistent
    if states == "transient":
        two = fitted(two_replicas, states)
    assert_same(
        values_of(two.trainable_variables), values_of(one.trainable_variables)
    )
    if states == "persistent":
        assert_same(rows_of(two), rows_of(one))


@pytest.mark.slow
def test_replicas_share_out_the_examples(two_replicas, persistent, tmp_path):
    model = persistent
    rows = rows_of(model)
    assert [len(x) for x in rows] == [9] * len(rows) and not rows[0][8]
    parts = two_replicas.experimental_local_results(model.tables.count.value)
    np.testing.assert_array_equal(parts[0], rows[0][::2])
    np.testing.assert_array_equal(parts[1][:4], rows[0][1::2])
    alone = kept(num_examples=9, inner_steps=2, rates=(0.3, ADAM(0.05), None))
    assert model.state_memory() * 9 == alone.state_memory() * 5
    assert told_memory(model).endswith(" MiB on each of 2 replicas.")
    # Files are those of one replica, and go back to as many as there are.
    path = tmp_path / "a.weights.h5"
    model.save_weights(path)
    alone.load_weights(path)
    assert_equal(rows_of(alone), rows)
    pairs = [
        [each["pairs"] for each in x.support().values()] for x in (alone, model)
    ]
    assert pairs[0] == pairs[1] and max(pairs[0]) > 0
    model.tables.count.assign(model.tables.count + 1)
    model.load_weights(path)
    assert_equal(rows_of(model), rows)
    x, y = examples(8)
    numbers = {"example_index": np.arange(8), "inputs": x}
    found, expected = (
        x.lagrangian_diagnostics(numbers, y)["total"] for x in (model, alone)
    )
    assert found == expected


def test_states_of_another_set_are_refused_by_replicas(two_replicas, tmp_path):
    kept(num_examples=6).save_weights(tmp_path / "a.weights.h5")
    with two_replicas.scope():
        model = kept(num_examples=7)
    with pytest.raises(ValueError, match="states of its 7 examples"):
        model.load_weights(tmp_path / "a.weights.h5")
