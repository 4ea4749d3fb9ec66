"""Targets that are class numbers, shared nodes, nodes without a mean."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from critic_toys import (
    Known,
    exact_gradient,
    exact_values,
    expected_gradient,
    settled,
)
from keras import ops

from examples.backprop_q_parts.critics import Table
from keras_bp import stochastic
from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions

RNG = np.random.default_rng(0)


def classifier(loss, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    bits = StochasticNode("bernoulli", name="bits", seed=1)(
        keras.layers.Dense(5)(x)
    )
    model = BackpropQModel(x, keras.layers.Dense(3, name="out")(bits))
    model.compile(
        "sgd",
        keras.optimizers.SGD(0.1),
        loss=loss,
        critic=CriticOptions(units=(4,), **options),
    )
    return model


@pytest.mark.parametrize("shape", [(8,), (8, 1)])
@pytest.mark.parametrize("options", [{}, {"replay": 8}])
def test_class_numbers_are_seen_as_classes(shape, options):
    x = RNG.normal(size=(8, 4)).astype("float32")
    numbers = np.arange(8) % 3
    found = []
    for kind, y in (
        ("Sparse", numbers.reshape(shape)),
        ("", np.eye(3, dtype="float32")[numbers]),
    ):
        loss = getattr(keras.losses, f"{kind}CategoricalCrossentropy")
        model = classifier(loss(from_logits=True), **options)
        found.append([float(model.train_critics(x, y)) for _ in range(4)])
        (last,) = model.critic_inputs["bits"][1:]
        assert (last.kind, last.shape) == ("target", (3,))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_classes_need_not_be_the_last_axis():
    x = keras.Input((4,))
    bits = StochasticNode("bernoulli", name="bits")(keras.layers.Dense(6)(x))
    model = BackpropQModel(x, keras.layers.Reshape((3, 2))(bits))
    loss = keras.losses.SparseCategoricalCrossentropy(axis=1)
    model.compile("sgd", loss=loss)
    model.build_critics(np.ones((8, 2)))
    assert model.critic_inputs["bits"][-1].shape == (2, 3)


def test_the_name_of_a_sparse_loss_is_enough_and_numbers_are_vectors():
    x = np.ones((8, 4), "float32")
    model = classifier("sparse_categorical_crossentropy")
    model.build_critics(np.arange(8) % 3)
    assert model.critic_inputs["bits"][-1].classes == 3
    model = classifier(lambda y, p: ops.mean(ops.square(p), -1) * y)
    model.train_critics(x, x[:, 0])
    assert model.critic_inputs["bits"][-1].shape == (1,)


def twice(networks=None, **arguments):
    """A node that is applied twice, the second time to what it gave."""
    keras.utils.set_random_seed(0)
    x = keras.Input((1,))
    layer = keras.layers.Dense(2, use_bias=False, name="offsets")
    node = StochasticNode(
        "bernoulli", "score", baseline="learned", seed=1, name="node"
    )
    logits = layer(x)
    first = node(logits[:, :1])
    second = node(logits[:, 1:] + 3 * first - 1)
    cost = CostNode(
        lambda a, b: ops.sum((a + 2 * b - 0.7) ** 2, axis=-1), name="f"
    )
    model = BackpropQModel(x, cost([first, second]))
    model.compile(
        "sgd",
        keras.optimizers.SGD(1.0),
        critic=CriticOptions(networks=networks),
        **arguments,
    )
    return model


def test_a_node_that_is_applied_twice_has_two_critics():
    model = twice({"node": Table(1), "node:1": Table(1)})
    settled(model)
    for value, exact, _ in exact_values(model).values():
        np.testing.assert_allclose(value, exact, atol=5e-5)
    # Of the offsets; the baseline of the node stands still.
    layer = next(x for x in model.layers if x.name == "offsets")
    (model_weight,) = [x for x in model._actor_variables() if x is layer.kernel]
    assert model_weight is layer.kernel
    assert len(model._actor_variables()) == 1
    found, exact = of_offsets(model)
    np.testing.assert_allclose(found, exact, atol=5e-5)


def of_offsets(model):
    """Expected gradient of what is learned, and the exact one."""

    class Offsets:
        """The model as the toys know it: of one weight."""

        trainable_variables = model._actor_variables()

        def __getattr__(self, name):
            return getattr(model, name)

    return expected_gradient(Offsets()), exact_gradient(Offsets())


def test_each_use_of_a_node_has_its_own_mode_and_estimator():
    modes = {"node": "control_variate", "node:1": "advantage"}
    model = twice(mode=modes)
    told = [row.unbiased for row in stochastic.explain(model).rows]
    assert told == [True, False]
    # The baseline is that of the second use.
    model = twice(nodes=["node"])
    kept = [x for x in model._actor_variables() if "baseline" in x.path]
    before = [ops.convert_to_numpy(x).copy() for x in kept]
    model.train_on_batch(np.ones((16, 1), "float32"))
    assert kept and any(
        np.any(old != ops.convert_to_numpy(x))
        for old, x in zip(before, kept, strict=True)
    )


@keras.saving.register_keras_serializable("tests")
def cauchy(x):
    import tensorflow_probability as tfp

    return tfp.distributions.Cauchy(x, 1.0)


@keras.saving.register_keras_serializable("tests")
def relaxed(x):
    import tensorflow_probability as tfp

    return tfp.distributions.RelaxedBernoulli(0.8, logits=x)


@pytest.mark.parametrize("distribution", [cauchy, relaxed])
def test_a_node_without_a_mean_has_an_advantage(distribution):
    x = keras.Input((1,))
    node = StochasticNode(distribution, seed=1, name="node")(x)
    model = BackpropQModel(x, CostNode(lambda v: ops.tanh(v[:, 0]))(node))
    critic = Known(lambda inputs: ops.tanh(inputs[0]) + 5.0)
    found = []
    for mode in ("reparameterized", "advantage", "control_variate"):
        model.compile(
            "sgd", mode=mode, critic=CriticOptions(networks={"node": critic})
        )
        at = tf.fill((40_000, 1), 0.7)
        with tf.GradientTape() as tape:
            tape.watch(at)
            total = model.surrogate(at).surrogate
        each = tape.gradient(total, at).numpy() * len(at)
        found.append((each.mean(), each.var() / len(each)))
    exact, noise = found[0]
    assert exact > 0.05
    for mean, variance in found[1:]:
        assert abs(mean - exact) / np.sqrt(variance + noise) < 4.5
