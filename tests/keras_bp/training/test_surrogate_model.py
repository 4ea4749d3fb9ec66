"""The gradients of whole graphs, against going through all their states."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_order import assert_written_last
from keras import ops
from stochastic_graphs import (
    CHAIN,
    DIAMOND,
    DIAMOND_COST,
    bit,
    chain,
    column,
    compiled,
    diamond,
    expected,
    gradients,
    slope,
    squared,
    toy,
    z_scores,
)

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

UNBIASED = {
    "score": {},
    "rloo": {"samples": 2},
    "arm": {},
    "disarm": {},
    "muprop": {},
    "rebar": {"temperature": 0.5},
    "relax": {"temperature": 0.5},
}
each_unbiased = pytest.mark.parametrize("name", UNBIASED)


def made(build, name):
    return build(name, **UNBIASED[name])


def chain_logits(bits):
    return np.array([0.0, *(2 * x - 1 for x in bits[:-1])])


def chain_cost(bits):
    return sum((x - 0.45) ** 2 for x in bits)


def diamond_logits(bits):
    return np.array([0.0, 2 * bits[0] - 1, 2 * bits[0] - 1])


def diamond_cost(bits):
    return (bits[1] - 0.45) ** 2 + (bits[1] + bits[2] - 0.9) ** 2


def test_the_pinned_values_are_those_of_the_graphs():
    found = slope(lambda o: expected(o, chain_logits, chain_cost), np.zeros(5))
    np.testing.assert_allclose(found, CHAIN, atol=2e-9)
    zeros = np.zeros(3)
    found = slope(lambda o: expected(o, diamond_logits, diamond_cost), zeros)
    np.testing.assert_allclose(found, DIAMOND, atol=2e-9)
    cost = expected(zeros, diamond_logits, diamond_cost)
    np.testing.assert_allclose(cost, DIAMOND_COST, atol=2e-9)


# The others are seen in the diamond: five nodes of theirs take long to trace.
@pytest.mark.parametrize("name", ["score", "rloo", "disarm", "rebar"])
def test_a_chain_with_a_cost_at_each_node(name):
    found = gradients(made(chain, name), [0.0] * 5, 100_000)
    assert np.abs(z_scores(found, CHAIN)).max() < 4.5


@each_unbiased
def test_a_diamond_of_two_costs(name):
    found = gradients(made(diamond, name), [0.0] * 3, 100_000)
    assert np.abs(z_scores(found, DIAMOND)).max() < 4.5


@pytest.mark.parametrize("name", ["score", "disarm"])
def test_a_diamond_away_from_zero(name):
    offsets = np.array([0.7, -1.2, 0.4])
    exact = slope(lambda o: expected(o, diamond_logits, diamond_cost), offsets)
    found = gradients(made(diamond, name), offsets, 100_000)
    assert np.abs(z_scores(found, exact)).max() < 4.5


@pytest.mark.parametrize(
    ("estimator", "baseline"),
    [
        ("score", "moving_average"),
        ("score", "learned"),
        ("score", "optimal"),
        ("muprop", "learned"),
    ],
)
def test_baselines_lower_the_variance_and_not_the_mean(estimator, baseline):
    model = diamond(estimator, baseline=baseline)
    before = gradients(model, [0.0] * 3, 100_000)
    if baseline == "learned":
        # Enough of it to matter, in a few steps.
        model.optimizer.learning_rate = 0.01
    model.fit(np.zeros((512, 3), "float32"), batch_size=8, verbose=0)
    found = gradients(model, [0.0] * 3, 100_000)
    assert np.abs(z_scores(found, DIAMOND)).max() < 4.5
    if estimator == "score":
        assert (found.var(axis=0)[:2] < 0.6 * before.var(axis=0)[:2]).all()
    assert not np.allclose(found, before)


@pytest.mark.parametrize(
    ("build", "exact"), [(chain, CHAIN), (diamond, DIAMOND)]
)
def test_enumeration_is_exact(build, exact):
    found = gradients(build("enumerate"), [0.0] * len(exact), 2)
    np.testing.assert_allclose(found, [exact] * 2, rtol=1e-5, atol=1e-7)


def test_a_node_is_weighed_with_the_costs_below_it_alone():
    found = gradients(chain("score"), [0.0] * 5, 200_000).var(axis=0)
    # With all costs these are .4030 .3157 .3152 .3155 .3165.
    below = [0.4030, 0.2032, 0.1143, 0.0508, 0.01264]
    np.testing.assert_allclose(found, below, rtol=0.05)
    found = gradients(diamond("score"), [0.0] * 3, 200_000).var(axis=0)
    np.testing.assert_allclose(found, [0.2550, 0.1331, 0.0804], rtol=0.05)


def test_estimators_can_be_mixed():
    x = keras.Input((3,))
    top = bit("enumerate", 0)(column(x, 0))
    y = bit("disarm", 1)(column(x, 1) + 2 * top - 1)
    z = bit("rloo", 2, samples=3)(column(x, 2) + 2 * top - 1)
    costs = [CostNode(squared(0.45))(y), CostNode(squared(0.9))([y, z])]
    model = compiled(x, costs)
    found = gradients(model, [0.0] * 3, 100_000)
    assert np.abs(z_scores(found, DIAMOND)).max() < 4.5
    loss = model.surrogate(tf.zeros((100_000, 3))).loss
    np.testing.assert_allclose(loss, DIAMOND_COST, rtol=0.01)


def test_samples_of_several_nodes_multiply():
    x = keras.Input((3,))
    top = bit("rloo", 0, samples=3)(column(x, 0))
    y = bit("rloo", 1, samples=2)(column(x, 1) + 2 * top - 1)
    z = bit("rloo", 2, samples=4)(column(x, 2) + 2 * top - 1)
    costs = [CostNode(squared(0.45))(y), CostNode(squared(0.9))([y, z])]
    model = compiled(x, costs)
    rows = model.surrogate(tf.zeros((5, 3))).run.costs
    assert sorted(len(cost) for cost, _ in rows.values()) == [30, 120]
    found = gradients(model, [0.0] * 3, 50_000)
    assert np.abs(z_scores(found, DIAMOND)).max() < 4.5


def test_a_class_of_several():
    logits = np.array([0.5, -0.3, 0.1, 0.8])
    prices = np.array([1.0, 3.0, -2.0, 0.5], "float32")
    p = np.exp(logits) / np.exp(logits).sum()
    exact = p * (prices - p @ prices)

    def priced(one_hot):
        return ops.sum(one_hot * ops.convert_to_tensor(prices), axis=-1)

    def priced_class(index):
        return ops.take(ops.convert_to_tensor(prices), index)

    cases = [
        ("one_hot", priced, name)
        for name in ("score", "muprop", "rebar", "relax", "enumerate")
    ]
    cases += [("categorical", priced_class, "score")]
    cases += [("categorical", priced_class, "enumerate")]
    for distribution, cost, estimator in cases:
        x = keras.Input((4,))
        node = StochasticNode(distribution, estimator, seed=1)
        model = compiled(x, CostNode(cost)(node(x)))
        found = gradients(model, logits, 100_000)
        assert np.abs(z_scores(found, exact)).max() < 4.5, estimator


def routed(x, y):
    return ops.sum(0.3 * x**2 + (y - 0.2 * x) ** 2, axis=-1)


@pytest.mark.parametrize("estimator", ["score", "disarm", "enumerate"])
def test_a_path_goes_through_the_score_of_a_node_below(estimator):
    mean = keras.Input((1,))
    node = StochasticNode("normal", seed=1)
    x = node([mean, ops.ones_like(mean)])
    y = bit(estimator, 2)(x)
    model = compiled(mean, CostNode(routed)([x, y]))
    found = gradients(model, [0.5], 400_000)
    # Detached from x it is .099, through the weight as well .370.
    assert np.abs(z_scores(found, 0.270334)) < 4.5
    assert found.std() / np.sqrt(len(found)) < 0.002


def bound(offsets, samples):
    """-log mean exp(-cost) of the toy over samples, on average."""
    p = 1 / (1 + np.exp(-offsets[0]))
    total = 0.0
    for bits in itertools.product([0.0, 1.0], repeat=samples):
        costs = (np.array(bits) - 0.45) ** 2
        likely = np.prod(np.where(bits, p, 1 - p))
        total -= likely * np.log(np.mean(np.exp(-costs)))
    return total


@pytest.mark.parametrize("estimator", ["score", "vimco"])
@pytest.mark.parametrize("samples", [2, 3])
def test_a_bound_by_several_samples(estimator, samples):
    x = keras.Input((1,))
    node = bit(estimator, 0, samples=samples)
    cost = CostNode(squared(0.45))(node(x))
    model = compiled(x, cost, objective="multi_sample_bound")
    exact = slope(lambda o: bound(o, samples), [0.7])
    found = gradients(model, [0.7], 200_000)
    assert np.abs(z_scores(found, exact)) < 4.5
    loss = model.surrogate(tf.fill((100_000, 1), 0.7)).loss
    np.testing.assert_allclose(loss, bound([0.7], samples), rtol=0.01)


def network(estimator="disarm", **arguments):
    """A small model with a dense layer above and below the node."""
    x = keras.Input((4,))
    h = keras.layers.Dense(6, name="above")(x)
    h = bit(estimator, 3, **arguments)(h)
    y = keras.layers.Dense(2, name="below")(h)
    return SurrogateModel(x, y)


RNG = np.random.default_rng(0)


def batch(size=32):
    x = RNG.normal(size=(size, 4)).astype("float32")
    return x, RNG.normal(size=(size, 2)).astype("float32")


FITTED = [
    ("score", {"baseline": "learned"}),
    ("rloo", {"samples": 3}),
    ("disarm", {}),
    ("relax", {}),
    ("enumerate", {}),
    ("st_gumbel", {}),
]


def fitting(estimator, arguments, mode):
    keras.utils.set_random_seed(0)
    model = network(estimator, **arguments)
    model.compile(
        keras.optimizers.Adam(0.02),
        loss="mse",
        metrics=["mae"],
        run_eagerly=mode == "eager",
        jit_compile=mode == "xla",
    )
    return model


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "arguments"), FITTED)
def test_a_graph_takes_the_steps_of_eager_mode(estimator, arguments):
    eager, graph = (
        fitting(estimator, arguments, mode) for mode in ("eager", "graph")
    )
    x, y = batch(256)
    options = {"batch_size": 64, "shuffle": False, "verbose": 0}
    for model in (eager, graph):
        # The second step reads what the first one has written.
        model.fit(x[:128], y[:128], **options)
    for a, b in zip(eager.weights, graph.weights, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(a),
            ops.convert_to_numpy(b),
            rtol=1e-3,
            atol=1e-5,
        )
    history = graph.fit(x, y, epochs=30, **options).history
    assert history["loss"][-1] < history["loss"][0]
    assert set(history) == {"loss", "mae"}


# Each with something of its own to compile. XLA draws other noise.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "arguments"),
    [
        ("relax", {}),
        ("score", {"baseline": "optimal"}),
        ("rloo", {"samples": 3}),
    ],
)
def test_steps_compile_by_xla_and_lower_the_cost(estimator, arguments):
    model = fitting(estimator, arguments, "xla")
    x, y = batch(256)
    history = model.fit(x, y, epochs=30, batch_size=64, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_evaluate_and_predict(mode):
    model = fitting("rloo", {"samples": 3}, mode)
    x, y = batch(256)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "mae"}
    assert model.predict(x, verbose=0).shape == (256, 2)


@pytest.mark.parametrize(
    ("policy", "estimator"),
    [
        ("mixed_float16", "disarm"),
        ("mixed_float16", "rebar"),
        ("mixed_bfloat16", "relax"),
        ("mixed_bfloat16", "rloo"),
        ("float64", "muprop"),
        ("float64", "relax"),
    ],
)
def test_other_dtypes_train(policy, estimator):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        samples = 2 if estimator == "rloo" else 1
        model = network(estimator, samples=samples)
        # One of them in a graph.
        model.compile(
            keras.optimizers.Adam(0.01),
            loss="mse",
            run_eagerly=estimator != "disarm",
        )
        x, y = batch()
        weights = [ops.convert_to_numpy(w) for w in model.trainable_weights]
        history = model.fit(x, y, epochs=3, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        moved = zip(weights, model.trainable_weights, strict=True)
        assert all(
            np.any(old != ops.convert_to_numpy(new)) for old, new in moved
        )
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("estimator", ["relax", "rloo", "enumerate"])
def test_some_layers_may_be_wider_than_others(estimator):
    x = keras.Input((4,))
    h = keras.layers.Dense(3, dtype="float64", kernel_regularizer="l2")(x)
    samples = 2 if estimator == "rloo" else 1
    h = bit(estimator, 3, samples=samples, dtype="float64")(h)
    y = keras.layers.Dense(2, kernel_regularizer="l2")(h)
    model = SurrogateModel(x, [y, CostNode(energy, name="energy")(h)])
    model.compile("sgd", loss="mse", run_eagerly=True)
    history = model.fit(*batch(), verbose=0).history
    assert np.isfinite(history["loss"][0])


@keras.saving.register_keras_serializable(package="tests")
def energy(h):
    return ops.sum(h, axis=-1)


def test_a_model_reloads_with_all_that_it_learned(tmp_path):
    x = keras.Input((4,))
    h = keras.layers.Dense(6)(x)
    h = bit("score", 3, baseline="learned")(h)
    model = SurrogateModel(
        x, [keras.layers.Dense(2)(h), CostNode(energy, 0.1, name="energy")(h)]
    )
    model.compile(
        keras.optimizers.Adam(0.01),
        loss="mse",
        loss_weights=2.0,
        metrics=["mae"],
        run_eagerly=True,
    )
    inputs, y = batch()
    model.fit(inputs, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.run_eagerly = True
    assert isinstance(again, SurrogateModel)
    for old, new in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(old), ops.convert_to_numpy(new)
        )
    one = model.fit(inputs, y, epochs=2, shuffle=False, verbose=0).history
    two = again.fit(inputs, y, epochs=2, shuffle=False, verbose=0).history
    assert one == two


def test_losses_costs_and_weights_add_up():
    x = keras.Input((4,))
    h = bit("enumerate", 3)(keras.layers.Dense(3, name="above")(x))
    out = keras.layers.Dense(2, kernel_regularizer="l2", name="below")(h)
    model = SurrogateModel(
        x, [out, CostNode(energy, weight=0.5, name="energy")(h)]
    )
    model.compile("sgd", loss="mse", loss_weights=[3.0])
    inputs, y = batch(8)
    weight = np.linspace(0.1, 2, 8).astype("float32")
    found = model.surrogate(inputs, y, weight)
    p = 1 / (1 + np.exp(-model.get_layer("above")(inputs).numpy()))
    kernel, bias = (
        ops.convert_to_numpy(w) for w in model.get_layer("below").weights
    )
    total = np.zeros(8)
    for bits in itertools.product([0.0, 1.0], repeat=3):
        likely = np.prod(np.where(bits, p, 1 - p), axis=-1)
        mse = np.mean((bits @ kernel + bias - y) ** 2, axis=-1)
        total += likely * (3 * mse + 0.5 * sum(bits))
    penalty = 0.01 * np.sum(kernel**2)
    np.testing.assert_allclose(
        found.loss, np.mean(weight * total) + penalty, rtol=1e-5
    )
    logs = model.evaluate(
        inputs, y, sample_weight=weight, verbose=0, return_dict=True
    )
    np.testing.assert_allclose(logs["loss"], found.loss, rtol=1e-5)
    parts = [value for name, value in logs.items() if name != "loss"]
    np.testing.assert_allclose(sum(parts) + penalty, logs["loss"], rtol=1e-5)


def test_sample_axes_meet_layers_that_need_the_batch_first():
    image = keras.Input((4, 4, 1))
    code = keras.layers.Dense(16)(keras.layers.Flatten()(image))
    code = bit("rloo", 1, samples=2)(code)
    h = keras.layers.Reshape((4, 4, 1))(code)
    # The input has one row for each example, the code two.
    h = keras.layers.Concatenate()([h, image])
    h = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3)(h))
    h = keras.layers.Dropout(0.5)(h)
    model = SurrogateModel(image, keras.layers.Flatten()(h))
    model.compile("sgd", loss="mse", metrics=["mse"], run_eagerly=True)
    x, y = np.ones((6, 4, 4, 1), "float32"), np.zeros((6, 8), "float32")
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])
    assert model(x).shape == (6, 8)


def test_rows_of_samples_hold_what_belongs_together():
    x = keras.Input((1,))
    first = bit("rloo", 1, samples=2)(ops.zeros_like(x))
    second = bit("rloo", 2, samples=3)(ops.zeros_like(x))
    cost = CostNode(lambda x, a, b: ops.sum(100 * x + 10 * a + b, axis=-1))
    model = compiled(x, cost([x, first, second]))
    run = model.surrogate(np.array([[1.0], [2.0]], "float32")).run
    ((rows, axes),) = run.costs.values()
    assert axes == ("x1", "x2")
    table = np.reshape(rows, (2, 3, 2))
    a = np.reshape(run.draws["x1"].value, (2, 2))
    b = np.reshape(run.draws["x2"].value, (3, 2))
    want = 100 * np.array([1.0, 2.0]) + 10 * a[:, None] + b[None]
    np.testing.assert_array_equal(table, want)


def test_metrics_of_an_enumerated_node_see_likely_states():
    x = keras.Input((1,))
    model = SurrogateModel(x, bit("enumerate", 1)(x))
    model.compile("sgd", loss="mse", metrics=["mse"])
    logits = np.full((20_000, 1), 1.0, "float32")
    zeros = np.zeros((20_000, 1), "float32")
    logs = model.evaluate(
        logits, zeros, batch_size=20_000, verbose=0, return_dict=True
    )
    p = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(logs["loss"], p, rtol=1e-5)
    np.testing.assert_allclose(logs["mse"], p, atol=0.02)


def test_two_replicas_train_as_one(two_replicas):
    x, y = batch()

    def trained(eager):
        keras.utils.set_random_seed(0)
        model = network("enumerate")
        model.compile(keras.optimizers.SGD(0.1), loss="mse", run_eagerly=eager)
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        loss = model.fit(data, epochs=3, verbose=0).history["loss"]
        return loss, [ops.convert_to_numpy(w) for w in model.weights]

    one = trained(eager=True)
    with two_replicas.scope():
        two = trained(eager=False)
    np.testing.assert_allclose(one[0], two[0], rtol=1e-5)
    for a, b in zip(one[1], two[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("estimator", ["disarm", "score"])
def test_two_replicas_draw_different_noise(two_replicas, estimator):
    arguments = {"baseline": "moving_average"} if estimator == "score" else {}
    with two_replicas.scope():
        model = network(estimator, **arguments)
        model.compile(keras.optimizers.SGD(0.01), loss="mse")
        x, y = batch()
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
        assert np.isfinite(model.fit(data, verbose=0).history["loss"][0])


def test_a_loop_of_ones_own_gets_the_same_gradient():
    model = network("enumerate")
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    x, y = batch()
    with tf.GradientTape() as tape:
        surrogate = model.surrogate(x, y).surrogate
    steps = tape.gradient(surrogate, model.trainable_variables)
    before = [ops.convert_to_numpy(w) for w in model.trainable_variables]
    model.train_on_batch(x, y)
    for old, step, new in zip(
        before, steps, model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(old - step, new, atol=1e-6)


def test_the_antithetic_sample_trains_what_is_below():
    model = network("disarm")
    model.compile("sgd", loss="mse")
    x, y = batch()
    weights = model.get_layer("below").trainable_variables
    with tf.GradientTape() as tape:
        found = model.surrogate(x, y)
    got = tape.gradient(found.surrogate, weights)
    draw = found.run.draws["x3"]
    with tf.GradientTape() as tape:
        total = 0.0
        for noise in (draw.noise, 1 - draw.noise):
            h = draw.distribution.sample(noise)
            total += 0.5 * ops.mean((model.get_layer("below")(h) - y) ** 2)
    for a, b in zip(got, tape.gradient(total, weights), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_call_keeps_the_losses_of_compile():
    model = network()
    model.compile("sgd", loss="mse")
    x, y = batch()
    model.predict(x, verbose=0)
    assert list(model.cost_slots) == ["below_loss"]
    assert model.losses == []
    assert model.fit(x, y, verbose=0).history["loss"][0] > 0


def test_another_model_trains_local_nodes_alone():
    x = keras.Input((4,))
    y = keras.layers.Dense(1)(network("disarm")(x))
    outer = keras.Model(x, y)
    outer.compile("sgd", "mse")
    with pytest.raises(ValueError, match="supplies no costs"):
        outer.fit(batch()[0], np.ones((32, 1), "float32"), verbose=0)

    inner = keras.Input((4,))
    bits = bit("st_gumbel", 1)(keras.layers.Dense(3, name="above")(inner))
    model = SurrogateModel(inner, [bits, CostNode(energy)(bits)])
    outer = keras.Model(x, model(x)[0])
    outer.compile("sgd", "mse")
    before = model.get_layer("above").get_weights()[0]
    zeros = np.zeros((32, 3), "float32")
    loss = outer.evaluate(batch()[0], zeros, verbose=0)
    outer.fit(batch()[0], zeros, verbose=0)
    assert not np.allclose(before, model.get_layer("above").get_weights()[0])
    # Of a bit that is on: a third of it, and its energy.
    assert loss > 1.0


def test_a_baseline_has_not_seen_the_batch_that_it_serves():
    x = keras.Input((1,))
    node = bit("score", 1, baseline="moving_average")
    cost = CostNode(squared(0.45))
    model = SurrogateModel(x, [cost(node(x)), cost(node(2 * x))])
    model.compile("sgd")
    found = model.surrogate(tf.ones((1, 1)), update=True)
    costs = {name: float(value) for name, value in found.costs.items()}
    draws = found.run.draws
    for name, part in found.nodes.items():
        log_prob = draws[name].distribution.joint_log_prob(draws[name].value)
        own = {"x1": costs[cost.name], "x1:1": costs[f"{cost.name}:1"]}
        np.testing.assert_allclose(part, own[name] * log_prob[0], rtol=1e-5)


def test_penalties_below_a_node_have_to_be_costs():
    x = keras.Input((4,))
    layer = keras.layers.ActivityRegularization(l2=1.0)
    below = layer(bit("score", 1)(x))
    model = compiled(x, CostNode(energy)(below))
    with pytest.raises(ValueError, match="Make it a keras_bp.layers.CostNode"):
        model.fit(batch()[0], verbose=0)
    above = bit("score", 1)(layer(x))
    model = compiled(x, CostNode(energy)(above))
    inputs = batch()[0]
    found = model.surrogate(inputs)
    penalty = np.sum(inputs**2) / len(inputs)
    np.testing.assert_allclose(
        found.loss, sum(found.costs.values()) + penalty, rtol=1e-5
    )


def test_noise_on_the_input_needs_no_gradient():
    x = keras.Input((2,))
    noisy = StochasticNode("normal", seed=1)([x, ops.ones_like(x)])
    model = compiled(x, keras.layers.Dense(1)(noisy), loss="mse")
    x, y = batch()
    assert model.fit(x[:, :2], y[:, :1], verbose=0).history["loss"][0] > 0


def test_masks_pass_a_node():
    x = keras.Input((3, 2))
    masked = keras.layers.Masking()(x)
    node = StochasticNode("bernoulli", "reinmax", inference="mean", seed=1)
    logits = np.ones((2, 3, 2), "float32")
    logits[:, 2] = 0.0
    zeros = np.zeros((2, 3, 2), "float32")
    losses = []
    for kind in (keras.Model, SurrogateModel):
        model = kind(x, node(masked))
        model.compile("sgd", loss="mse")
        losses.append(model.evaluate(logits, zeros, verbose=0))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_compiled_anew_it_reports_the_costs_there_are():
    x = keras.Input((4,))
    h = bit("disarm", 1)(x)
    a = keras.layers.Dense(2, name="a")(h)
    b = keras.layers.Dense(2, name="b")(h)
    model = SurrogateModel(x, {"a": a, "b": b})
    losses = {"a": "mse", "b": "mse"}
    model.compile("sgd", loss=losses, run_eagerly=True)
    inputs, y = batch()
    first = model.fit(inputs, {"a": y, "b": y}, verbose=0).history
    assert set(first) == {"loss", "a_loss", "b_loss"}
    model.compile("sgd", loss={"a": "mse"}, run_eagerly=True)
    assert set(model.fit(inputs, {"a": y}, verbose=0).history) == {"loss"}


def test_weights_are_those_of_examples():
    model = network()
    model.compile("sgd", loss="mse")
    x, y = batch()
    with pytest.raises(ValueError, match="a weight for each example"):
        model.surrogate(x, y, np.ones((32, 2), "float32"))


def test_unbiased_is_told():
    assert toy("disarm").unbiased
    assert not toy("sigmoid_adjusted").unbiased


X = keras.Input((2,))


def errors():
    x = X
    bits = bit("score", 0)(x)
    other = bit("score", 1)(x)
    cost = CostNode(energy, name="energy")(bits)
    yield "no cost", [bits], {}, "expects a cost"
    yield "none below", [cost, other], {}, "a cost below the node 'x1'"
    single = CostNode(energy)(bit("rloo", 2)(x))
    yield "one sample", single, {}, "expects `samples` of 2 or more"
    vimco = CostNode(energy)(bit("vimco", 2, samples=2)(x))
    yield "vimco", vimco, {}, "expects the objective 'multi_sample_bound'"
    yield "bound", cost, {"objective": "multi_sample_bound"}, "one node with"
    rloo = CostNode(energy)(bit("rloo", 2, samples=2)(x))
    yield (
        "rloo",
        rloo,
        {"objective": "multi_sample_bound"},
        "has the estimators",
    )
    twin = StochasticNode(estimator="score", seed=0, name="twin")(x)
    both = CostNode(energy)(twin + bits)
    yield "seeds", both, {}, "with a `seed` of their own"
    yield "objective", cost, {"objective": "best"}, "expects `objective`"
    yield "too many", bits, {"loss": ["mse", "mae"]}, "expects `loss` for each"
    yield "unknown", bits, {"loss": {"y": "mse"}}, "expects the keys of `loss`"
    summed = keras.losses.MeanSquaredError(reduction="sum")
    yield "a sum", bits, {"loss": summed}, "means over the batch"


@pytest.mark.parametrize("case", list(errors()), ids=lambda case: case[0])
def test_what_would_be_silently_wrong_is_refused(case):
    _, outputs, arguments, words = case
    model = SurrogateModel(X, outputs)
    with pytest.raises(ValueError, match=words):
        model.compile("sgd", **arguments)


def test_a_path_that_ends_is_refused():
    x = keras.Input((2,))
    loc = keras.layers.Dense(2)(x)
    value = StochasticNode("normal", name="path")([loc, ops.ones_like(x)])
    steps = ops.cast(ops.cast(value, "int32"), "float32")
    model = compiled(x, CostNode(energy)(steps))
    with pytest.raises(ValueError, match="path from the node 'path'"):
        model.fit(np.ones((4, 2), "float32"), verbose=0)


def test_missing_targets_are_told():
    model = network()
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match="expects targets `y`"):
        model.fit(batch()[0], verbose=0)


def test_what_an_estimator_evaluates_once_more_is_read_before_it_is_written():
    x = bits = keras.Input((4,))
    for index in range(2):
        node = StochasticNode("bernoulli", "disarm", seed=index)
        bits = node(keras.layers.Dense(4)(bits))
    model = SurrogateModel(x, keras.layers.Dense(4)(bits))
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    batch = tf.ones((8, 4))
    step = tf.function(
        lambda: model.train_step((batch, batch)), autograph=False
    )
    assert_written_last(step.get_concrete_function().graph)
