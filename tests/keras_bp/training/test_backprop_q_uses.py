"""What nodes learn from critics, against closed forms and enumeration."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from critic_toys import (
    Known,
    exact_gradient,
    exactly,
    repeated,
    sampled_gradients,
    score_model,
    settled,
    with_tables,
    z_scores,
)
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions

THETA = 0.5


def cost(x, y):
    return ops.sum(0.3 * x**2 + (y - 0.2 * x) ** 2, axis=-1)


def mean_cost(x):
    p = ops.sigmoid(x)
    return 0.3 * x**2 + p * (1 - 0.2 * x) ** 2 + (1 - p) * (0.2 * x) ** 2


def routed(mode, nodes, scale=1.0):
    """X ~ N(theta, 1) above Y ~ Bernoulli(sigmoid(x)), with exact critics."""
    one = keras.Input((1,), name="one")
    layer = keras.layers.Dense(1, use_bias=False, name="theta")
    loc = layer(one)
    x = StochasticNode("normal", name="x")([loc, ops.ones_like(loc)])
    y = StochasticNode("bernoulli", "score", name="y")(x)
    model = BackpropQModel(one, CostNode(cost, name="f")([x, y]))
    layer.kernel.assign([[THETA]])
    critics = {
        "x": Known(lambda inputs: scale * mean_cost(inputs[0])),
        "y": Known(
            lambda inputs: scale * ops.expand_dims(cost(*inputs[:2]), -1)
        ),
    }
    model.compile(
        "sgd",
        mode=mode,
        nodes=nodes,
        critic=CriticOptions(networks={k: critics[k] for k in nodes}),
    )
    return model


def gradient_on_a_grid(model, levels=400):
    """The expected gradient: Gauss-Hermite for X, even levels for Y."""
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    noise = np.repeat(points, levels)[:, None].astype("float32")
    even = np.tile((np.arange(levels) + 0.5) / levels, 40)[:, None]
    nodes = model.stochastic_graph.nodes
    nodes["x"].operation.noise_of = lambda _: tf.constant(noise)
    nodes["y"].operation.noise_of = lambda _: tf.constant(even, "float32")
    weight = np.repeat(weights / weights.sum() * 40, levels).astype("float32")
    (theta,) = model.trainable_variables
    with tf.GradientTape() as tape:
        found = model.surrogate(tf.ones((len(noise), 1)), None, weight)
    return float(tape.gradient(found.surrogate, theta.value)[0, 0])


@pytest.mark.parametrize(
    ("nodes", "mode", "scale"),
    [
        # X differentiates the cost, and the log-probability of Y.
        (["y"], "auto", 1.0),
        # X learns from its critic, and the cost is detached from it.
        (["x", "y"], "auto", 1.0),
        (["x", "y"], "control_variate", 1.0),
        # A wrong critic has no part in the mean.
        (["x", "y"], "control_variate", -2.0),
        (["x", "y"], "advantage", 1.0),
    ],
)
def test_gradients_take_each_way_once(nodes, mode, scale):
    found = gradient_on_a_grid(routed(mode, nodes, scale))
    # Y's surrogate cut off from x: .0992; dQ/dx leaking: .3695; both: .5407.
    np.testing.assert_allclose(found, 0.270334, atol=1e-3)


def wide_model(kind, network=None, flips=32, shape=(200, 1), hidden=(64,)):
    units, classes = shape
    x = keras.Input((units * classes,))
    logits = x
    if classes > 1:
        logits = keras.layers.Reshape((units, classes))(x)
    node = StochasticNode(kind, seed=1, name="node")(logits)

    def total(value):
        value = ops.cast(value, "float32")
        return ops.sum(value, axis=tuple(range(1, len(value.shape))))

    found = BackpropQModel(x, CostNode(total, name="f")(node))
    networks = {} if network is None else {"node": network}
    found.compile(
        "sgd",
        critic=CriticOptions(units=hidden, networks=networks, flips=flips),
    )
    return found


def gradient_in_the_logits(model, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = model.surrogate(x)
    return tape.gradient(found.surrogate, x).numpy() * len(x), found.run


RNG = np.random.default_rng(0)


def test_200_units_are_flipped_one_by_one_a_few_at_a_time():
    pull, seen = RNG.normal(size=200).astype("float32"), []

    def quadratic(inputs):
        seen.append(inputs[0].shape[0])
        return ops.sum(inputs[0] * pull, axis=-1, keepdims=True) ** 2

    model = wide_model("bernoulli", Known(quadratic), flips=30)
    logits = RNG.normal(size=(3, 200)).astype("float32")
    found, run = gradient_in_the_logits(model, logits)
    bits = run.draws["node"].value.numpy()
    rest = (bits @ pull)[:, None] - bits * pull
    p = 1 / (1 + np.exp(-logits))
    exact = ((rest + pull) ** 2 - rest**2) * p * (1 - p)
    np.testing.assert_allclose(found, exact, rtol=2e-3, atol=1e-3)
    # Rows of 30 flips and of none.
    assert max(x for x in seen if x) == 90


@pytest.mark.parametrize(
    ("kind", "units", "classes"),
    [("bernoulli", 7, 1), ("one_hot", 3, 4), ("categorical", 3, 4)],
)
@pytest.mark.parametrize("flips", [5, 100])
def test_a_dense_critic_is_asked_about_changes_alone(
    kind, units, classes, flips
):
    model = wide_model(kind, None, flips, (units, classes), (6, 5))
    critics = model.critics
    for weight in critics.network("node").trainable_weights:
        weight.assign(RNG.normal(size=weight.shape))
    logits = RNG.normal(size=(4, units * classes)).astype("float32")
    found, run = gradient_in_the_logits(model, logits)
    value = run.draws["node"].value
    plan = critics.plans["node"]
    sample = critics.encoded(plan.inputs[0], value).numpy()
    table = sample.reshape(4, units, classes)
    p = 1 / (1 + np.exp(-logits))
    if classes > 1:
        p = np.exp(logits.reshape(4, units, classes))
        p /= p.sum(-1, keepdims=True)

    def value_of(changed):
        changed = tf.constant(changed.reshape(sample.shape), "float32")
        return critics.predict("node", [changed]).numpy()[:, 0]

    exact = np.zeros((4, units, classes))
    for unit in range(units):
        values = []
        for state in range(2 if classes == 1 else classes):
            changed = table.copy()
            changed[:, unit] = state if classes == 1 else np.eye(classes)[state]
            values.append(value_of(changed))
        if classes == 1:
            slope = p[:, unit] * (1 - p[:, unit])
            exact[:, unit, 0] = (values[1] - values[0]) * slope
        else:
            values = np.stack(values, axis=-1)
            mean = np.sum(p[:, unit] * values, axis=-1, keepdims=True)
            exact[:, unit] = p[:, unit] * (values - mean)
    np.testing.assert_allclose(
        found.reshape(exact.shape), exact, rtol=1e-3, atol=1e-5
    )


def test_a_normal_node_gets_the_slope_of_its_critic():
    x = keras.Input((2,))
    node = StochasticNode("normal", seed=1, name="node")([x[:, :1], x[:, 1:]])
    model = BackpropQModel(x, CostNode(lambda v: v[:, 0] ** 2)(node))
    cubic = Known(lambda inputs: inputs[0] ** 3)
    model.compile("sgd", critic=CriticOptions(networks={"node": cubic}))
    found, run = gradient_in_the_logits(
        model, np.array([[0.5, 1.0], [-1.0, 0.3]], "float32")
    )
    draw = run.draws["node"]
    slope = 3 * draw.value.numpy() ** 2
    exact = np.concatenate([slope, slope * draw.noise.numpy()], axis=-1)
    np.testing.assert_allclose(found, exact, rtol=1e-5)


def test_an_advantage_varies_as_is_known():
    model = exactly("diamond", "advantage")
    blocks = sampled_gradients(model, blocks=300, rows=100)
    assert np.abs(z_scores(blocks, exact_gradient(model))).max() < 4.5
    variance = 100 * blocks.var(axis=0)
    # By going through all states; of the costs: .2550 .1331 .0804.
    np.testing.assert_allclose(
        variance, [0, 0.021000, 0.018901], rtol=0.25, atol=1e-6
    )


def test_an_advantage_of_several_units_has_the_mean_of_all_actions():
    x = keras.Input((3,))
    node = StochasticNode("bernoulli", seed=1, name="node")(x)
    model = BackpropQModel(x, CostNode(lambda v: v[:, 0])(node))
    pull = np.array([1.0, -2.0, 0.5], "float32")
    critic = Known(lambda v: ops.sum(v[0] * pull, -1, keepdims=True) ** 2)
    found = []
    for mode in ("advantage", "all_action"):
        model.compile(
            "sgd", mode=mode, critic=CriticOptions(networks={"node": critic})
        )
        logits = np.tile([[0.3, -0.5, 0.8]], (40_000, 1)).astype("float32")
        each = gradient_in_the_logits(model, logits)[0]
        found.append((each.mean(0), each.var(0) / len(each)))
    (a, da), (b, db) = found
    assert np.abs((a - b) / np.sqrt(da + db)).max() < 4.5


def test_a_class_node_takes_its_own_mean():
    x = keras.Input((3,))
    node = StochasticNode("categorical", seed=1, name="node")(x)
    model = BackpropQModel(x, CostNode(lambda v: ops.cast(v, "float32"))(node))
    values = np.array([[1.0], [5.0], [-2.0]], "float32")
    critic = Known(lambda inputs: inputs[0] @ values + 100.0)
    model.compile(
        "sgd",
        mode="advantage",
        critic=CriticOptions(networks={"node": critic}),
    )
    logits = np.array([[0.3, -0.5, 0.8]], "float32")
    found, run = gradient_in_the_logits(model, logits)
    p = np.exp(logits[0]) / np.exp(logits[0]).sum()
    index = int(run.draws["node"].value[0])
    advantage = values[index, 0] - p @ values[:, 0]
    np.testing.assert_allclose(
        found[0], advantage * (np.eye(3)[index] - p), rtol=1e-4
    )


def test_equation_27_is_unbiased_with_a_wrong_critic():
    model = with_tables("diamond", "control_variate")
    for network in model.critics.networks:
        network.table.assign(RNG.normal(size=network.table.shape))
    for _ in range(3):
        # The moving average of what is left moves too.
        model.surrogate(tf.ones((64, 1)), update=True)
    assert model.unbiased
    blocks = sampled_gradients(model, blocks=40, rows=2000)
    assert np.abs(z_scores(blocks, exact_gradient(model))).max() < 4.5


def test_equation_27_varies_less_with_a_good_critic():
    model = exactly("diamond", "control_variate")
    good = sampled_gradients(model, blocks=100, rows=100)
    assert np.abs(z_scores(good, exact_gradient(model))).max() < 4.5
    score = sampled_gradients(score_model("diamond"), blocks=100, rows=100)
    # What is left is the noise of the costs below, which no critic knows.
    assert (good.var(axis=0) < 0.6 * score.var(axis=0)).all()


@pytest.mark.slow
def test_a_discounted_critic_controls_as_well():
    model = settled(
        with_tables("shared chain", "control_variate", discount=0.5)
    )
    whole = settled(with_tables("shared chain", "control_variate"))
    found = [
        sampled_gradients(each, blocks=100, rows=100).var(axis=0)
        for each in (model, whole)
    ]
    np.testing.assert_allclose(*found, rtol=0.8)


def test_the_mean_control_is_taken_off():
    model = exactly("one parent", "control_variate")
    model.critics.networks[1].table.assign_add(
        np.full(model.critics.networks[1].table.shape, 3.0)
    )

    repeated(200, lambda: model.surrogate(tf.ones((64, 1)), update=True))()
    np.testing.assert_allclose(model.critics.rest("y"), -3.0, atol=0.1)
    # Left on, it would make this 9 p (1 - p), of about 2.
    found = 100 * sampled_gradients(model, blocks=50, rows=100).var(axis=0)
    assert found.max() < 0.1


def test_nodes_may_differ_in_their_mode():
    modes = {"x": "control_variate", "y": "advantage"}
    model = exactly("diamond", modes)
    assert model._modes == {**modes, "z": "all_action"}
    assert not model.unbiased
    blocks = sampled_gradients(model, blocks=40, rows=1000)
    assert np.abs(z_scores(blocks, exact_gradient(model))).max() < 4.5


def test_weights_of_examples_weigh_what_is_learned():
    model = exactly("diamond")
    (offsets,) = model.trainable_variables
    found = []
    for weight in (None, np.full(64, 3.0, "float32")):
        for step in model.stochastic_graph.nodes.values():
            step.operation.seed_generator.state.assign([1, 2])
        with tf.GradientTape() as tape:
            total = model.surrogate(tf.ones((64, 1)), None, weight).surrogate
        found.append(tape.gradient(total, offsets.value).numpy())
    np.testing.assert_allclose(found[1], 3 * found[0], rtol=1e-5)


def test_critics_are_constants_to_the_nodes():
    for mode in ("all_action", "advantage", "control_variate"):
        model = with_tables("diamond", mode)
        tables = [x.value for x in model.critics.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(tables)
            total = model.surrogate(tf.ones((8, 1))).surrogate
        assert tape.gradient(total, tables) == [None] * len(tables)
