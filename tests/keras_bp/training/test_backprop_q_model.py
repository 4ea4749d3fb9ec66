"""The model as users train it, save it, and get it wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from critic_toys import (
    Known,
    X,
    exact_gradient,
    repeated,
    sampled_gradients,
)
from keras import ops

from examples.backprop_q_parts.critics import tables
from examples.backprop_q_parts.graphs import GRAPHS
from keras_bp import stochastic
from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import (
    BackpropQModel,
    CriticOptions,
    ReplayOptions,
    SurrogateModel,
)

BATCH = np.eye(4, dtype="float32")[np.arange(16) % 4]


def encoder(dtype=None, **arguments):
    """Bits and a normal code of the input, by the losses of `compile`."""
    x = keras.Input((4,), name="image", dtype=dtype)
    bits = StochasticNode("bernoulli", seed=1, name="bits")(
        keras.layers.Dense(6)(x)
    )
    code = StochasticNode("normal", seed=2, name="code")(
        keras.layers.Dense(4)(bits)
    )
    model = BackpropQModel(x, keras.layers.Dense(4, name="image_again")(code))
    arguments = {"loss": "mse", "jit_compile": False, **arguments}
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.optimizers.Adam(0.02),
        critic=CriticOptions(units=(8,), target_rate=0.1),
        **arguments,
    )
    # Otherwise the first batch does it, and is traced twice.
    model.build_critics(BATCH)
    return model


@pytest.mark.slow
def test_neural_critics_find_the_gradient_of_the_diamond():
    model = GRAPHS["diamond"].model(BackpropQModel)
    keras.utils.set_random_seed(0)
    rate = keras.optimizers.schedules.CosineDecay(0.02, 1000)
    model.compile(
        "sgd",
        critic_optimizer=keras.optimizers.Adam(rate),
        critic=CriticOptions(units=(32,)),
    )
    x = tf.repeat(X, 512, axis=0)

    repeated(1000, lambda: model.train_critics(x))()
    exact = exact_gradient(model)
    found = sampled_gradients(model, blocks=400, rows=200)
    np.testing.assert_allclose(found.mean(axis=0), exact, rtol=0.05)
    # The score function's by enumeration, at Z with the costs below it.
    ratio = np.array([0.2550, 0.1331, 0.0804]) / (200 * found.var(axis=0))
    assert (ratio > 8).all()
    # What they learn from still varies: the loss has a floor.
    loss = model._critic_trackers["critic_loss"].result()
    assert loss > 0.3
    report = stochastic.critic_error(model, X)
    assert report.relative < 0.05


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("graph", marks=pytest.mark.slow)]
)
def test_fit_lowers_the_cost(mode):
    keras.utils.set_random_seed(0)
    model = encoder(run_eagerly=mode == "eager")
    epochs = 60 if mode == "graph" else 2
    x = np.tile(BATCH, (4, 1))
    found = model.fit(x, x, epochs=epochs, batch_size=32, verbose=0).history
    names = {"loss", "critic_loss", "lost_targets"}
    assert set(found) == names
    assert np.isfinite([found[key] for key in names]).all()
    if mode == "graph":
        assert found["loss"][-1] < 0.7 * found["loss"][0]
    assert set(model.evaluate(x, x, verbose=0, return_dict=True)) == {"loss"}


@pytest.mark.slow
def test_modes_and_a_replay_compile_by_xla():
    x = keras.Input((3,))
    bits = StochasticNode("bernoulli", seed=1, name="bits")(
        keras.layers.Dense(5)(x)
    )
    code = StochasticNode("normal", seed=2, name="code")(
        keras.layers.Dense(4)(bits)
    )
    cost = CostNode(lambda v: v[:, 0] ** 2, name="cost")
    model = BackpropQModel(x, cost(code))
    options = CriticOptions(
        units=(4,), replay=40, flips=2, targets="lambda", target_rate=0.1
    )
    modes = {"bits": "control_variate"}
    model.compile("sgd", "sgd", mode=modes, critic=options, jit_compile=True)
    found = model.fit(np.ones((20, 3)), batch_size=10, epochs=2, verbose=0)
    assert np.isfinite(found.history["critic_loss"]).all()


def test_a_model_reloads_with_its_critics_and_both_optimizers(tmp_path):
    model = encoder(run_eagerly=True)
    model.fit(BATCH, BATCH, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again, BackpropQModel)
    for a, b in (
        (model.variables, again.variables),
        (model.critics.variables, again.critics.variables),
        (model.optimizer.variables, again.optimizer.variables),
        (model.critic_optimizer.variables, again.critic_optimizer.variables),
    ):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)
    found = [x.fit(BATCH, BATCH, verbose=0).history for x in (model, again)]
    np.testing.assert_allclose(
        found[0]["critic_loss"], found[1]["critic_loss"], rtol=1e-5
    )


def test_tables_modes_and_options_reload(tmp_path):
    graph = GRAPHS["one parent"]
    networks = tables(graph)
    model = graph.model(BackpropQModel, "disarm")
    options = CriticOptions(networks={"x": networks["x"]}, discount=0.9)
    model.compile("sgd", mode={"x": "advantage"}, critic=options, nodes=["x"])
    model.train_critics(X)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again._modes == {"x": "advantage"}
    assert again.critic_options.discount == 0.9
    np.testing.assert_array_equal(
        again.critics.networks[0].table, model.critics.networks[0].table
    )
    rules = {
        name: step.operation.rule.name
        for name, step in again.stochastic_graph.nodes.items()
    }
    assert rules == {"x": "backprop_q", "y": "disarm"}


@pytest.mark.parametrize(
    "policy", ["mixed_float16", "mixed_bfloat16", "float64"]
)
def test_other_dtypes_train(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = encoder(run_eagerly=True)
        found = model.fit(BATCH, BATCH, epochs=2, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(found["critic_loss"]).all()
    wide = "float64" if policy == "float64" else "float32"
    kinds = {x.dtype for x in model.critics.trainable_variables}
    assert kinds == {wide}


@pytest.mark.slow
def test_two_replicas_train(two_replicas):
    with two_replicas.scope():
        model = encoder()
    found = model.fit(BATCH, BATCH, epochs=2, batch_size=8, verbose=0).history
    assert np.isfinite(found["critic_loss"]).all()
    assert np.isfinite(model.critics.trainable_variables[0].numpy()).all()


def test_a_replay_is_refused_on_several_replicas(two_replicas):
    with two_replicas.scope():
        model = encoder()
        options = CriticOptions(units=(2,), replay=8)
        model.compile("sgd", loss="mse", critic=options, jit_compile=False)
    with pytest.raises(ValueError, match="on one replica alone"):
        model.fit(BATCH, BATCH, batch_size=8, verbose=0)


def test_the_layers_stay_as_they_were():
    graph = GRAPHS["one parent"]
    model = graph.model(BackpropQModel, "disarm")
    nodes = [x for x in model.layers if isinstance(x, StochasticNode)]
    model.compile("sgd")
    assert [x.rule.name for x in nodes] == ["disarm", "disarm"]
    other = SurrogateModel(model.inputs, model.outputs)
    other.compile("sgd")
    assert other.unbiased
    assert not model.unbiased


def test_nodes_with_samples_and_states_of_their_own_mix():
    x = keras.Input((1,))
    first = StochasticNode("bernoulli", "enumerate", seed=1, name="first")(
        keras.layers.Dense(1)(x)
    )
    second = StochasticNode("bernoulli", "rloo", samples=3, name="second")(
        keras.layers.Dense(1)(first)
    )
    third = StochasticNode("bernoulli", seed=3, name="third")(
        keras.layers.Dense(2)(second)
    )
    cost = CostNode(lambda a, b: ops.sum(a * b - 0.3, axis=-1) ** 2)
    model = BackpropQModel(x, cost([first, third]))
    known = Known(lambda v: ops.sum(v[0] * v[1] - 0.3, -1, keepdims=True) ** 2)
    model.compile(
        "sgd", nodes=["third"], critic=CriticOptions(networks={"third": known})
    )
    assert [each.name for each in model.critic_inputs["third"]] == [
        "first",
        "third",
    ]
    report = stochastic.gradient_check(
        model, np.ones((1, 1)), num_estimates=4000
    )
    assert report.worst_z < 4.5
    assert report.biased_nodes == ("third",)
    for each in model.critic_values(np.ones((2, 1), "float32")):
        np.testing.assert_allclose(np.sum(each.weight), 1.0, rtol=1e-5)


def test_explain_shows_what_critics_see_and_learn():
    model = GRAPHS["diamond"].model(BackpropQModel)
    model.compile("sgd", mode={"z": "control_variate"})
    found = stochastic.explain(model)
    told = {(row.node, row.cost): row for row in found.critics}
    assert told["x", "f2"].target == "mean of Q[y], Q[z]"
    assert told["x", "f1"].target == "Q[y]"
    assert told["z", "f2"].inputs == ("x", "z", "one")
    assert told["z", "f2"].mode == "control_variate"
    assert all(row.detached for row in found.rows)
    assert [row.unbiased for row in found.rows] == [False, False, True]
    text = str(found)
    assert "learns from" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    model.compile("sgd", critic=CriticOptions(targets="monte_carlo"))
    assert stochastic.explain(model).critics[0].target.startswith("mean of ret")


def test_scopes_are_those_of_the_graph():
    for figure in ("bypass", "layers", "replay"):
        model = GRAPHS[figure].model(BackpropQModel)
        model.compile("sgd")
        for name, plan in model.critics.plans.items():
            scopes = [
                model.stochastic_graph.scope(name, [model.cost_slots[cost]])
                for cost in plan.sources
            ]
            assert set(plan.scope) == {x for scope in scopes for x in scope}
            assert plan.inputs[plan.own].name == name


def test_compiled_anew_it_has_new_critics():
    model = encoder(run_eagerly=True)
    model.fit(BATCH, BATCH, verbose=0)
    number = len(model.variables)
    model.compile("adam", loss="mse", nodes=["bits"], run_eagerly=True)
    assert model.critics is None
    found = model.fit(BATCH, BATCH, verbose=0).history
    assert list(model.critics.plans) == ["bits"]
    assert len(model.variables) == number
    assert set(found) == {"loss", "critic_loss", "lost_targets"}


def lonely():
    x = keras.Input((1,))
    free = CostNode(lambda v: v[:, 0], name="free")(keras.layers.Dense(1)(x))
    cost = CostNode(lambda v: v[:, 0], name="cost")(
        StochasticNode(name="bit")(x)
    )
    return BackpropQModel(x, [free, cost])


def parent(**arguments):
    model = GRAPHS["one parent"].model(BackpropQModel)
    model.compile("sgd", **arguments)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="'free', which no critic can reach"):
        lonely().compile("sgd")
    wide = Known(lambda inputs: ops.tile(inputs[0], (1, 2)), costs=2)
    with pytest.raises(ValueError, match=r"shape \(batch, 1\).*\(None, 2\)"):
        parent(critic=CriticOptions(networks={"x": wide}))
    with pytest.raises(ValueError, match="keys of `networks`"):
        parent(critic=CriticOptions(networks={"nobody": wide}))
    with pytest.raises(ValueError, match=r"24,000,000 bytes.*333"):
        parent(critic=CriticOptions(replay=ReplayOptions(2_000_000, 1, 4000)))
    with pytest.raises(ValueError, match="`nodes` to be names"):
        parent(nodes=["nobody"])
    x = keras.Input((1,))
    with pytest.raises(ValueError, match="StochasticNode in its.*without one"):
        BackpropQModel(x, keras.layers.Dense(1)(x)).compile(loss="mse")
    with pytest.raises(ValueError, match="keys of `mode`"):
        parent(mode={"nobody": "advantage"})
    with pytest.raises(ValueError, match="no mode 'reparameterized'"):
        parent(mode="reparameterized")
    with pytest.raises(ValueError, match="'expected_cost' alone"):
        parent(objective="multi_sample_bound")
    with pytest.raises(ValueError, match="no mode 'all_action'"):
        encoder(mode="all_action")
    with pytest.raises(ValueError, match="expects targets `y`"):
        encoder().train_critics(BATCH)
    x = keras.Input((None,))
    total = CostNode(lambda v: ops.sum(v, axis=-1))
    with pytest.raises(ValueError, match="known shapes"):
        BackpropQModel(x, total(StochasticNode(name="node")(x))).compile()
    model = GRAPHS["one parent"].model(BackpropQModel, "rloo", samples=2)
    with pytest.raises(ValueError, match="one sample of each node"):
        model.compile("sgd", critic=CriticOptions(replay=10))


def with_a_loss(scale=1.0):
    x = keras.Input((4,))
    bits = StochasticNode("bernoulli", name="bits", seed=0)(
        keras.layers.Dense(6)(x)
    )
    model = BackpropQModel(x, keras.layers.Dense(4)(bits))

    def loss(y_true, y_pred):
        return scale * keras.losses.mean_squared_error(y_true, y_pred)

    model.compile("sgd", keras.optimizers.SGD(0.1), loss=loss)
    return model


def test_targets_that_are_not_finite_are_refused_and_spoil_no_critic():
    model = with_a_loss()
    x, y = np.ones((8, 4), "float32"), np.ones((8, 4), "float32")
    y[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite targets"):
        model.train_critics(x, y)
    model.optimizer.learning_rate = 0.0
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs["lost_targets"] == pytest.approx(1 / 8)
    for weight in model.critics.weights:
        assert np.isfinite(weight.numpy()).all()
    y[:] = np.nan
    model.reset_metrics()
    logs = model.train_on_batch(x, y, return_dict=True)
    assert np.isnan(logs["critic_loss"]) and logs["lost_targets"] == 1.0


def test_critics_learn_alike_at_every_scale_of_the_costs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 32, 4)).astype("float32")
    losses = []
    for scale in (1.0, 1e4):
        keras.utils.set_random_seed(0)
        model = with_a_loss(scale)
        found = [float(model.train_critics(x, y)) for _ in range(4)]
        losses.append(np.array(found) / scale**2)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


def test_there_are_no_critics_before_compile_and_one_optimizer_is_too_few():
    model = with_a_loss()
    plain = BackpropQModel(model.inputs, model.outputs)
    assert plain.critic_inputs == {}
    with pytest.raises(ValueError, match="before `compile`"):
        plain.train_critics(BATCH)
    sgd = keras.optimizers.SGD()
    with pytest.raises(ValueError, match="two optimizers"):
        plain.compile(sgd, sgd, loss="mse")
    with pytest.raises(TypeError, match="`critic` to be.*'td'"):
        plain.compile("sgd", "sgd", loss="mse", critic="td")
