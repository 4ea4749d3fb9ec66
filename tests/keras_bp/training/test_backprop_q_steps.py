"""One step is the same in each mode, on replicas, and after loading."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_order import assert_written_last
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions

BATCH = np.random.default_rng(0).normal(size=(8, 4))
MODES = {"a": "control_variate", "b": "advantage", "c": "reparameterized"}


def distance(found, wanted):
    return ops.mean((found - wanted) ** 2, axis=-1)


def chain(optimizer=keras.optimizers.SGD, **options):
    """Bits, bits and a normal code, with a critic each."""
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    a = StochasticNode("bernoulli", seed=1, name="a")(keras.layers.Dense(4)(x))
    b = StochasticNode("bernoulli", seed=2, name="b")(keras.layers.Dense(3)(a))
    c = StochasticNode("normal", seed=3, name="c")(keras.layers.Dense(4)(b))
    cost = CostNode(distance, name="f")([keras.layers.Dense(4)(c), x])
    model = BackpropQModel(x, cost)
    model.compile(
        optimizer(0.05),
        optimizer(0.05),
        mode=MODES,
        critic=CriticOptions(units=(4,), **options),
    )
    return model


def state(model):
    owners = model, model.critics, model.optimizer, model.critic_optimizer
    found = {}
    for place, owner in enumerate(owners):
        for index, variable in enumerate(owner.variables):
            key = place, index, variable.name
            # A copy: an array may be the variable itself.
            found[key] = ops.convert_to_numpy(variable).copy()
    return found


def assert_same(first, second, **tolerance):
    assert list(first) == list(second)
    for key, value in first.items():
        np.testing.assert_allclose(
            value, second[key], err_msg=str(key), **tolerance
        )


@pytest.mark.slow
def test_eager_graph_and_xla_make_the_same_steps():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        found = []
        for mode in ("eager", "graph", "XLA"):
            model = chain(targets="lambda", target_rate=0.3, replay=12)
            step = lambda model=model: model.train_step((BATCH,))  # noqa: E731
            if mode != "eager":
                step = tf.function(
                    step, autograph=False, jit_compile=mode == "XLA"
                )
            for _ in range(3):
                step()
            found.append(state(model))
    finally:
        keras.config.set_dtype_policy(before)
    for other in found[1:]:
        assert_same(found[0], other, rtol=1e-9, atol=1e-12)


def test_nothing_is_written_before_all_that_it_was_read_for_is_computed():
    model = chain()
    batch = tf.constant(BATCH)
    step = tf.function(lambda: model.train_step((batch,)), autograph=False)
    # Critics are read to be trained, and to train others.
    assert_written_last(step.get_concrete_function().graph)


def with_targets():
    """Critics that see targets are not made before the first batch."""
    x = keras.Input((4,))
    bits = StochasticNode("bernoulli", name="bits")(keras.layers.Dense(5)(x))
    code = StochasticNode("normal", name="code")(keras.layers.Dense(4)(bits))
    model = BackpropQModel(x, keras.layers.Dense(3, name="out")(code))
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.optimizers.Adam(0.02),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        mode={"bits": "control_variate"},
        critic=CriticOptions(units=(4,), target_rate=0.1),
        run_eagerly=True,
    )
    return model


def test_a_file_goes_on_with_the_same_step(tmp_path):
    x, y = BATCH.astype("float32"), np.arange(8) % 3
    model = with_targets()
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(tmp_path / "whole.keras")
    model.save_weights(tmp_path / "middle.weights.h5")
    # Into a model that has seen no batch, and so has no critics.
    again = with_targets()
    assert again.critics is None
    again.load_weights(tmp_path / "middle.weights.h5")
    whole = keras.models.load_model(tmp_path / "whole.keras")
    found = []
    for each in (model, again, whole):
        each.train_on_batch(x, y)
        found.append(state(each))
    for other in found[1:]:
        values = zip(found[0].values(), other.values(), strict=True)
        for one, two in values:
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_weights_from_before_the_first_batch_load(tmp_path):
    model = with_targets()
    model.save_weights(tmp_path / "first.weights.h5")
    again = with_targets()
    again.load_weights(tmp_path / "first.weights.h5")
    assert again.critics is None
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_two_replicas_make_the_step_of_one(two_replicas):
    """Critics of bits that are sure: what is drawn is the same."""

    def made():
        keras.utils.set_random_seed(0)
        x = keras.Input((4,))
        sure = keras.layers.Dense(4)(x)
        bits = StochasticNode("bernoulli", seed=1, name="bits")(
            sure + 100 * ops.sign(x)
        )
        cost = CostNode(distance, name="f")([keras.layers.Dense(4)(bits), x])
        model = BackpropQModel(x, cost)
        model.compile(
            keras.optimizers.SGD(0.1),
            keras.optimizers.SGD(0.1),
            critic=CriticOptions(units=(4,)),
            jit_compile=False,
        )
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        model.run_eagerly = replicas == 1
        return model

    x, found = BATCH.astype("float32"), []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = made()
        model.fit(x, batch_size=8, epochs=3, verbose=0, shuffle=False)
        weights = [*model.trainable_variables, *model.critics.variables]
        found.append([ops.convert_to_numpy(w).copy() for w in weights])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
