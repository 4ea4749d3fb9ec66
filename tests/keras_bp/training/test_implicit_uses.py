"""Implicit steps of weights that several things use, and of some alone."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_bp.training import make_implicit


class Tied(keras.Model):
    """A kernel that the model also multiplies with by itself."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(5, activation="tanh", use_bias=False)

    def call(self, x):
        return ops.matmul(self.dense(x), ops.transpose(self.dense.kernel))


class Penalized(keras.Model):
    """A penalty that is no regularizer of the layer, beside one that is."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3, activation="tanh", kernel_regularizer="l2")

    def call(self, x):
        y = self.dense(x)
        self.add_loss(0.1 * ops.sum(ops.square(self.dense.kernel)))
        return y


class Shared(keras.Model):
    """A layer with a penalty, called twice."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(
            300, activation="tanh", kernel_regularizer="l2"
        )

    def call(self, x):
        return self.dense(self.dense(x))


@pytest.mark.parametrize("rule", ["dual", "layerwise", "averaged", "truncated"])
@pytest.mark.parametrize("kind", [Tied, Penalized, Shared])
def test_a_small_step_is_explicit_whatever_uses_a_weight(kind, rule):
    # More features than samples: solved for samples.
    x = np.random.default_rng(0).normal(size=(4, 300)).astype("float32")
    net = kind()
    y = 0.1 * np.ones(net(x).shape, "float32")
    before = net.get_weights()
    moved = []
    # A problem of a small rate, whose step a large one makes visible.
    implicit = make_implicit(net, rule, prox_learning_rate=1e-9, seed=0)
    for model in (net, implicit):
        net.set_weights(before)
        # What several things read must not be written too early in a graph.
        model.compile(
            keras.optimizers.SGD(0.1), "mse", run_eagerly=model is net
        )
        model.train_on_batch(x, y)
        moved.append(
            [a - b for a, b in zip(net.get_weights(), before, strict=True)]
        )
    for explicit, found in zip(*moved, strict=True):
        error = np.abs(explicit - found).max()
        assert error < 1e-3 * np.abs(explicit).max()


@pytest.mark.parametrize("frozen", ["kernel", "bias"])
def test_a_weight_that_is_frozen_alone_stays(frozen):
    net = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(2)]
    )
    getattr(net.layers[0], frozen).trainable = False
    model = make_implicit(net, seed=0)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = net.get_weights()
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    still = [
        np.array_equal(a, b)
        for a, b in zip(before, net.get_weights(), strict=True)
    ]
    assert still == [frozen == "kernel", frozen == "bias", False, False]
    assert model.implicit_summary().splitlines()[0].endswith("explicit")


@pytest.mark.parametrize("batch", [2, None])
def test_a_convolution_with_few_rows_takes_a_bounded_step(batch):
    # 4 positions of 2 examples are fewer than its 73 features.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 6, 8)).astype("float32")
    y = rng.normal(size=(2, 4, 4, 3)).astype("float32")
    inputs = keras.Input(batch_shape=(batch, 6, 6, 8))
    net = keras.Sequential([inputs, layers.Conv2D(3, 3)])
    before, sizes = net.get_weights(), []
    for rate in (1e3, 1e6):
        net.set_weights(before)
        model = make_implicit(net, curvature_scale=1.0, seed=0)
        model.compile(keras.optimizers.SGD(rate), "mse")
        model.train_on_batch(x, y)
        sizes.append(np.linalg.norm(net.get_weights()[0] - before[0]))
    assert sizes[0] < sizes[1] < 1.2 * sizes[0]


def test_positions_of_a_convolution_depend_on_the_seed():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 6, 8)).astype("float32")
    net = keras.Sequential([keras.Input((6, 6, 8)), layers.Conv2D(3, 3)])
    before, found = net.get_weights(), []
    for seed in (0, 1, 0):
        net.set_weights(before)
        model = make_implicit(net, seed=seed)
        model.compile(keras.optimizers.SGD(10.0), "mse")
        model.train_on_batch(x, np.ones((2, 4, 4, 3)))
        found.append(net.get_weights()[0])
    assert np.array_equal(found[0], found[2])
    assert not np.allclose(found[0], found[1])


def test_a_wrapped_model_casts_its_inputs_itself():
    net = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Rescaling(1.0, offset=-4096.0, dtype="float32"),
            layers.Dense(1, dtype="float32", kernel_initializer="ones"),
        ]
    )
    try:
        keras.mixed_precision.set_global_policy("mixed_float16")
        found = make_implicit(net)(np.array([[4097.0]], "float32"))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert float(found[0, 0]) == 1.0


def test_targets_that_are_broadcast_are_linearized():
    # One target for three outputs, as the loss of Keras takes it.
    net = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    before, moved = net.get_weights(), []
    for model in (net, make_implicit(net, "layerwise")):
        net.set_weights(before)
        model.compile(keras.optimizers.SGD(1e-3), "mse")
        model.train_on_batch(np.eye(2), np.ones((2, 1)))
        moved.append(net.get_weights()[0] - before[0])
    np.testing.assert_allclose(*moved, rtol=1e-2, atol=1e-8)


def test_a_dual_step_needs_a_loss():
    net = Penalized()
    net(np.ones((2, 3)))
    model = make_implicit(net)
    model.compile("sgd")
    with pytest.raises(ValueError, match="loss"):
        model.train_on_batch(np.ones((2, 3)))


def test_a_model_that_is_not_built_has_no_summary_yet():
    model = make_implicit(keras.Sequential([layers.Dense(1)]))
    with pytest.raises(ValueError, match="built"):
        model.implicit_summary()


def test_a_batch_of_fixed_size_is_measured_whole():
    net = keras.Sequential(
        [
            keras.Input(batch_shape=(40, 3, 2)),
            layers.LSTM(2, stateful=True),
            layers.Dense(1),
        ]
    )
    model = make_implicit(net, seed=0)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(np.ones((40, 3, 2)), np.ones((40, 1)))
    assert all(float(h) > 0 for _, h in model.trained_implicitly())


def test_the_summary_tells_of_activations_that_are_not_known():
    net = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "relu6"), layers.Dense(2)]
    )
    lines = make_implicit(net, "layerwise").implicit_summary().splitlines()
    assert "not known" in lines[0] and "implicit" in lines[1]


@pytest.mark.parametrize("compiled", [False, True])
def test_statistics_do_not_keep_a_batch_that_is_not_finite(compiled):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    normal = layers.BatchNormalization()
    net = keras.Sequential([keras.Input((3,)), normal, layers.Dense(2)])
    model = make_implicit(net, seed=0)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=compiled)
    before = normal.get_weights()
    model.train_on_batch(x, x[:, :2])
    after = normal.get_weights()
    # They follow what is finite, and nothing else.
    assert np.abs(after[2] - before[2]).max() > 1e-3
    kept = net.get_weights()
    model.train_on_batch(np.where(x == x[0, 0], np.inf, x), x[:, :2])
    for a, b in zip(net.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_statistics_of_replicas_are_restored_together(two_replicas):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    with two_replicas.scope():
        net = keras.Sequential(
            [
                keras.Input((3,)),
                layers.BatchNormalization(),
                layers.Dense(2, trainable=False),
                layers.Dense(2),
            ]
        )
        model = make_implicit(net, seed=0)
        model.compile(keras.optimizers.SGD(0.1), "mse")
    # What the second one sees is finite.
    wrong = np.where(x == x[0, 0], np.nan, x)
    kept = net.layers[0].get_weights()[2:]
    model.fit(wrong, x[:, :2], batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(net.layers[0].get_weights()[2:], kept, strict=True):
        np.testing.assert_array_equal(a, b)
