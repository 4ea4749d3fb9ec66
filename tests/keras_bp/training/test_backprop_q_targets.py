"""What critics learn: returns on the graph, replay, slow weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from critic_toys import (
    X,
    exact_values,
    exactly,
    settled,
    trainer,
    with_tables,
    worst,
    z_scores,
)

from keras_bp.training import ReplayOptions
from keras_bp.training._backprop_q_replay import record_of
from keras_bp.training._backprop_q_targets import Costs
from keras_bp.training._pass import Mode

RNG = np.random.default_rng(0)
# Of the diamond: E[f1 + f2 | x].
DIAMOND_VALUES = [0.753747, 0.984805]


def randomly_set(model):
    for network in model.critics.networks:
        network.table.assign(RNG.normal(size=network.table.shape))
    return model


def returns(model, trace, rows=64):
    """For each node its returns, predictions and costs in one pass."""
    run = model._run(tf.repeat(X, rows, axis=0), Mode())
    costs = model._learning.costs({})
    found = model._learning.returns(run, costs, trace)
    predicted = {
        name: model.critics.predict(
            name, model.critics.inputs(name, run, {})
        ).numpy()
        for name in model.critics.plans
    }
    targets = {name: found.of(name).numpy() for name in model.critics.plans}
    each = {cost: costs.of(run, cost)[0].numpy() for cost in model.cost_slots}
    return targets, predicted, each


def head(model, tables, node, cost):
    return tables[node][:, model.critics.plans[node].sources.index(cost)]


def test_a_shared_cost_is_counted_once():
    model = exactly("diamond")
    value, _, _ = exact_values(model)["x", "f1"]
    shared, _, _ = exact_values(model)["x", "f2"]
    # Summed it would be (1.206, 1.622) and averaged with f1 too small.
    np.testing.assert_allclose(value + shared, DIAMOND_VALUES, atol=2e-6)


def test_several_children_of_one_cost_are_averaged():
    model = randomly_set(with_tables("diamond"))
    targets, predicted, _ = returns(model, 0.0)
    both = head(model, predicted, "y", "f2") + head(model, predicted, "z", "f2")
    np.testing.assert_allclose(
        head(model, targets, "x", "f2"), both / 2, rtol=1e-5
    )
    np.testing.assert_allclose(
        head(model, targets, "x", "f1"), head(model, predicted, "y", "f1")
    )


def test_a_trace_of_zero_is_one_step_and_of_one_the_cost():
    model = randomly_set(with_tables("shared chain", discount=0.9))
    one_step, predicted, costs = returns(model, 0.0)
    np.testing.assert_allclose(
        head(model, one_step, "x1", "f2"),
        0.9 * head(model, predicted, "x2", "f2"),
        rtol=1e-5,
    )
    whole, _, costs = returns(model, 1.0)
    for steps, node in enumerate(("x4", "x3", "x2", "x1"), start=1):
        np.testing.assert_allclose(
            head(model, whole, node, "f2"), 0.9**steps * costs["f2"], rtol=1e-5
        )


@pytest.mark.parametrize("name", ["shared chain", "one cost", "two costs"])
def test_the_return_is_the_sum_of_traced_errors(name):
    """As the paper writes it: delta_X = own error + gamma lambda mean."""
    model = randomly_set(with_tables(name, discount=0.8))
    trace, discount = 0.6, 0.8
    targets, predicted, costs = returns(model, trace)
    deltas = {}
    for node in reversed(list(model.critics.plans)):
        for cost in model.critics.plans[node].sources:
            own = head(model, predicted, node, cost)
            children = model._learning.children(node, cost)
            if children:
                below = [head(model, predicted, x, cost) for x in children]
                traced = np.mean([deltas[x, cost] for x in children], axis=0)
            else:
                below, traced = [costs[cost]], 0.0
            error = discount * np.mean(below, axis=0) - own
            deltas[node, cost] = error + discount * trace * traced
            np.testing.assert_allclose(
                head(model, targets, node, cost),
                own + deltas[node, cost],
                rtol=1e-4,
                atol=1e-5,
            )


@pytest.mark.parametrize("kind", ["lambda", "monte_carlo"])
def test_other_targets_reach_the_exact_values_too(kind):
    model = settled(with_tables("two children", targets=kind))
    assert worst(model) < 5e-5


def test_a_discounted_critic_predicts_a_known_share():
    model = settled(with_tables("shared chain", discount=0.5), steps=600)
    assert worst(model) < 5e-5
    plan = model.critics.plans["x1"]
    assert plan.discounts == {"f1": 0.125, "f2": 0.0625}
    _, exact, weight = exact_values(model)["x1", "f2"]
    whole = with_tables("shared chain")
    _, undiscounted, _ = exact_values(whole)["x1", "f2"]
    np.testing.assert_allclose(exact, undiscounted / 16, rtol=1e-5)
    np.testing.assert_allclose(weight.sum(), 1.0, rtol=1e-5)


def test_a_node_without_a_critic_passes_on_what_is_below():
    model = with_tables("shared chain", nodes=["x1", "x3"])
    assert worst(settled(model)) < 5e-5
    told = {(row.node, row.cost): row.target for row in model.critic_rows()}
    assert told["x1", "f2"] == "through x2"


def test_the_slow_weights_follow_and_make_the_targets():
    model = randomly_set(with_tables("one parent", target_rate=0.1))
    critics = model.critics
    for slow, network in zip(critics.slow, critics.networks, strict=True):
        np.testing.assert_array_equal(slow[0], 0 * network.table)
    np.testing.assert_array_equal(returns(model, 0.0)[0]["x"], 0.0)
    before = critics.networks[1].table.numpy()
    critics.follow()
    np.testing.assert_allclose(critics.slow[1][0], 0.1 * before, rtol=1e-5)
    model = settled(with_tables("one parent", target_rate=0.5))
    assert worst(model) < 5e-5


def test_a_step_moves_the_slow_weights():
    model = with_tables("one parent", target_rate=0.5)
    model.train_critics(X)
    table = model.critics.networks[1].table.numpy()
    assert np.abs(table).max() > 0
    np.testing.assert_allclose(model.critics.slow[1][0], table / 2, rtol=1e-5)


def test_states_count_as_they_are_likely():
    model = randomly_set(with_tables("shared chain", targets="monte_carlo"))
    expected = sum(
        weight @ (value - exact) ** 2
        for value, exact, weight in exact_values(model).values()
    )
    nodes = tuple(model.stochastic_graph.nodes)
    found = model.train_critics(X, enumerated=nodes)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def offsets_of(model):
    (weight,) = model.trainable_variables
    return weight


@pytest.fixture(scope="module")
def changed():
    """Exact critics of nodes that have changed, and tuples from before."""
    model = with_tables("replay", replay=10)
    run = model._run(tf.repeat(X, 20_000, axis=0), Mode())
    record = record_of(run, model.critics.plans.values(), {})
    # Co-parents and children behave otherwise now.
    offsets_of(model).assign([[1.0, -1.0, 1.5, -1.2, 1.1, 0.8, -1.5]])
    return settled(model), record


@pytest.mark.parametrize("trace", [0.0, 1.0])
def test_what_is_replayed_are_scopes_and_all_else_is_drawn_again(
    changed, trace
):
    model, record = changed
    learning, critics = model._learning, model.critics
    for name in critics.plans:
        _, run, costs, again = learning.resampled(name, record, trace)
        inputs = critics.inputs(name, run, {})
        rest = again.of(name).numpy() - critics.predict(name, inputs).numpy()
        states = np.concatenate(inputs, axis=-1)
        for state in np.unique(states, axis=0):
            rows = rest[(states == state).all(axis=-1)]
            assert np.abs(z_scores(rows, 0.0 * rows[0])).max() < 4.5


def test_a_replay_trains_in_a_graph():
    model = with_tables(
        "two children",
        optimizer=keras.optimizers.SGD(0.5),
        replay=ReplayOptions(1000, draws=2),
    )
    trainer(model, steps=100, rows=200)()
    value, exact, weight = exact_values(model)["x", "f"]
    error = np.sqrt(weight @ (value - exact) ** 2)
    assert error < 0.3 * np.sqrt(weight @ exact**2)
    assert int(model._learning._replay._count) == 100 * 200


def test_a_replay_keeps_the_newest_tuples():
    model = with_tables("one parent", replay=6)
    learning = model._learning
    record = {("node", "x"): tf.ones((4, 1))}
    learning._make_replay(record)
    replay = learning._replay
    for value in (1.0, 2.0, 3.0):
        replay.push({("node", "x"): value * tf.ones((4, 1))})
    ring = np.sort(replay._ring["node", "x"].numpy().ravel())
    np.testing.assert_array_equal(ring, [2, 2, 3, 3, 3, 3])
    drawn = replay.draw(200)["node", "x"].numpy().ravel()
    assert set(drawn) == {2.0, 3.0}
    replay.push({("node", "x"): tf.range(9.0)[:, None]})
    ring = np.sort(replay._ring["node", "x"].numpy().ravel())
    np.testing.assert_array_equal(ring, [3, 4, 5, 6, 7, 8])


def test_a_replay_is_drawn_from_before_it_is_full():
    model = with_tables("one parent", replay=1000)
    model._learning._make_replay({("node", "x"): tf.ones((4, 1))})
    replay = model._learning._replay
    replay.push({("node", "x"): tf.ones((4, 1))})
    np.testing.assert_array_equal(
        replay.draw(50)["node", "x"], np.ones((50, 1))
    )


def test_targets_that_are_not_finite_train_nothing(monkeypatch):
    model = with_tables("diamond", optimizer=keras.optimizers.SGD(0.5))
    good = Costs.of

    def broken(self, run, name):
        cost, axes = good(self, run, name)
        row = tf.range(tf.shape(cost)[0]) == 0
        return tf.where(row, np.nan, cost), axes

    monkeypatch.setattr(Costs, "of", broken)
    model.train_critics(tf.repeat(X, 64, axis=0))
    for weight in model.critics.trainable_variables:
        assert np.isfinite(weight.numpy()).all()
    lost = model._critic_trackers["lost_targets"].result()
    np.testing.assert_allclose(lost, 2 / 3 / 64, rtol=1e-4)


def test_several_steps_are_made_on_one_batch():
    found = []
    for steps in (1, 3):
        optimizer = keras.optimizers.SGD(0.1)
        model = with_tables("one parent", optimizer=optimizer, steps=steps)
        model.train_critics(X)
        found.append(int(model.critic_optimizer.iterations))
    assert found == [1, 3]
