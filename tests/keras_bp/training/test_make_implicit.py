"""The rules of implicit models, and what users do with them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from implicit_steps import moved, settle
from keras import layers, ops

from keras_bp.callbacks import ImplicitDiagnostics
from keras_bp.ops import proximal_unit
from keras_bp.training import make_implicit

RNG = np.random.default_rng(0)
RULES = ("dual", "layerwise", "averaged", "truncated")
X = RNG.normal(size=(6, 4)).astype("float32")
Y = RNG.normal(size=(6, 2)).astype("float32")


def net(*hidden, features=4):
    return keras.Sequential([keras.Input((features,)), *hidden])


def assert_same(one, other, rtol=2e-4, atol=1e-6):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, np.reshape(b, a.shape), rtol, atol)


@pytest.mark.parametrize("rule", ["layerwise", "averaged"])
def test_each_example_has_a_problem_of_its_own(rule):
    model = net(layers.Dense(2, activation=ops.arctan))
    kernel, bias = model.get_weights()
    z = np.concatenate([X, np.ones((6, 1), "float32")], axis=1)
    logits = X @ kernel + bias
    b = 2 * (np.arctan(logits) - Y) / (6 * 2)
    share = 6 if rule == "averaged" else 1
    k = 40.0 * np.sum(z**2, axis=1, keepdims=True)
    u = np.asarray(proximal_unit(logits, share * b, k, "arctan")) / share
    step = -40.0 * z.T @ u
    assert_same(moved(model, X, Y, 40.0, rule), [step[:-1], step[-1]])


def test_a_step_with_a_penalty_is_the_step_of_the_penalized_problem():
    model = net(
        layers.Dense(2, "tanh", kernel_regularizer="l2", bias_regularizer="l2")
    )
    model.layers[0].bias.assign([0.3, -0.2])
    old = np.concatenate([model.get_weights()[0], [[0.3, -0.2]]])
    x, y, rate, mu = X[:1], Y[:1], 3.0, 0.02
    logits = x @ old[:-1] + old[-1]
    b = 2 * (np.tanh(logits) - y) / 2
    moved(model, x, y, rate)
    new = np.concatenate([model.get_weights()[0], [model.get_weights()[1]]])
    z = np.concatenate([x, [[1.0]]], axis=1)
    slope = 1 - np.tanh(z @ new) ** 2
    # Zero of the gradient of b s(w z) + mu/2 |w|^2 + |w - w_0|^2 / (2 rate).
    rest = z.T @ (b * slope) + mu * new + (new - old) / rate
    assert np.abs(rest).max() < 1e-5


LOSSES = {
    "softmax": (
        "softmax",
        "sparse_categorical_crossentropy",
        np.array([1]),
        lambda q: np.exp(q) / np.exp(q).sum() - [[0.0, 1.0]],
    ),
    "logits": (
        None,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        np.array([[0.0, 1.0]]),
        lambda q: np.exp(q) / np.exp(q).sum() - [[0.0, 1.0]],
    ),
    "sigmoid": (
        "sigmoid",
        "binary_crossentropy",
        np.array([[0.0, 1.0]]),
        lambda q: (1 / (1 + np.exp(-q)) - [[0.0, 1.0]]) / 2,
    ),
    "squares": (None, "mse", np.array([[0.0, 1.0]]), lambda q: q - [[0, 1]]),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_convex_loss_is_kept_whole(kind):
    activation, loss, y, gradient = LOSSES[kind]
    model = net(layers.Dense(2, activation))
    (kernel, _) = moved(model, X[:1], y, 5.0, loss=loss)
    new = model.get_weights()
    logits = X[:1] @ new[0] + new[1]
    np.testing.assert_allclose(
        kernel, -5.0 * X[:1].T @ gradient(logits), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("rule", ["layerwise", "dual"])
def test_a_convolution_of_one_position_is_a_dense_layer(rule):
    x = RNG.normal(size=(5, 3, 2, 2)).astype("float32")
    dense = keras.Sequential(
        [keras.Input((3, 2, 2)), layers.Flatten(), layers.Dense(2, "tanh")]
    )
    conv = keras.Sequential(
        [
            keras.Input((3, 2, 2)),
            layers.Conv2D(2, (3, 2), activation="tanh"),
            layers.Flatten(),
        ]
    )
    kernel = dense.layers[1].kernel
    conv.layers[0].kernel.assign(ops.reshape(kernel, (3, 2, 2, 2)))
    one, other = (moved(m, x, Y[:5], 2.0, rule) for m in (dense, conv))
    assert_same(one, other, rtol=1e-3)


def test_a_recurrent_layer_of_one_step_is_a_dense_layer():
    dense = net(layers.Dense(2, "tanh"))
    recurrent = keras.Sequential([keras.Input((1, 4)), layers.SimpleRNN(2)])
    kernel, bias = dense.get_weights()
    recurrent.layers[0].cell.kernel.assign(kernel)
    one = moved(dense, X, Y, 3.0)
    kernel, state, bias = moved(recurrent, X[:, None], Y, 3.0)
    assert_same(one, [kernel, bias])
    assert not state.any()


def test_an_activation_in_a_layer_of_its_own_belongs_to_the_unit():
    found = []
    for hidden in (
        [layers.Dense(3, "tanh"), layers.Dense(2)],
        [layers.Dense(3), layers.Activation("tanh"), layers.Dense(2)],
    ):
        model = net(*hidden)
        model.set_weights(
            [
                np.full(w.shape, 0.3) * (i + 1)
                for i, w in enumerate(model.weights)
            ]
        )
        found.append(moved(model, X, Y, 5.0))
    assert_same(*found)


NETWORKS = {
    "residual": lambda: _residual(),
    "activity": lambda: net(layers.Dense(2, activity_regularizer="l1")),
    "recurrent": lambda: keras.Sequential(
        [
            keras.Input((2, 2)),
            layers.SimpleRNN(3, return_sequences=True),
            layers.SimpleRNN(2, go_backwards=True),
        ]
    ),
}


def _residual():
    inputs = keras.Input((4,))
    line = layers.Dense(2)(inputs)
    return keras.Model(inputs, layers.ReLU()(line) + line)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_a_small_rate_takes_the_explicit_step(rule, kind):
    model, x = NETWORKS[kind](), X
    if kind == "recurrent":
        x = X.reshape(6, 2, 2)
    explicit = keras.models.clone_model(model)
    explicit.set_weights(model.get_weights())
    explicit.compile(keras.optimizers.SGD(1e-3), "mse", run_eagerly=True)
    before = model.get_weights()
    explicit.train_on_batch(x, Y)
    wanted = [
        a - b for a, b in zip(explicit.get_weights(), before, strict=True)
    ]
    assert_same(moved(model, x, Y, 1e-3, rule), wanted, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_each_mode_takes_the_same_step(rule):
    found = []
    for mode in ("eager", "graph", "xla"):
        keras.utils.set_random_seed(0)
        model = net(layers.Dense(40, "tanh"), layers.Dense(2))
        trained = make_implicit(model, rule, seed=0)
        trained.compile(
            keras.optimizers.SGD(10.0),
            "mse",
            run_eagerly=mode == "eager",
            jit_compile=mode == "xla",
        )
        settle(trained)
        trained.train_on_batch(X, Y)
        found.append(model.get_weights())
    assert_same(found[0], found[1], rtol=1e-4, atol=1e-6)
    assert_same(found[1], found[2], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "policy", ["mixed_float16", "mixed_bfloat16", "float64"]
)
def test_other_precisions_train_at_a_large_rate(rule, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = net(layers.Dense(5, "relu"), layers.Dense(2, dtype="float32"))
        step = moved(model, X, Y, 1e3 if rule == "dual" else 0.5, rule)
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(np.isfinite(x).all() for x in step)
    assert any(np.abs(x).max() > 0 for x in step)


def test_weights_of_examples_count_as_copies_do():
    weights = np.array([2.0, 1.0, 1.0], "float32") * 3 / 4
    model = net(layers.Dense(2))
    kept = model.get_weights()
    weighted = moved(model, X[:3], Y[:3], 2.0, "dual", sample_weight=weights)
    model.set_weights(kept)
    rows = [0, 0, 1, 2]
    copied = moved(model, X[rows], Y[rows], 2.0, "dual")
    assert_same(weighted, copied, rtol=1e-3)


def test_predictions_may_be_scalars():
    found = []
    for shape in ((1,), ()):
        model = net(layers.Dense(1), layers.Reshape(shape))
        model.set_weights([np.full((4, 1), 0.5), np.zeros(1)])
        found.append(moved(model, X, Y[:, :1].reshape(6, *shape), 3.0, "dual"))
    assert_same(*found)


def test_a_sum_is_no_mean():
    model = net(layers.Dense(2))
    kept = model.get_weights()
    loss = keras.losses.MeanSquaredError(reduction="sum")
    summed = moved(model, X, Y, 0.5, "dual", loss)
    model.set_weights(kept)
    assert_same(summed, moved(model, X, Y, 3.0, "dual"), rtol=1e-3)


@pytest.mark.parametrize("rule", RULES)
def test_replicas_average_their_steps(rule, two_replicas):
    one = net(layers.Dense(3, "relu"), layers.Dense(2))
    with two_replicas.scope():
        model = net(layers.Dense(3, "relu"), layers.Dense(2))
        model.set_weights(one.get_weights())
        trained = make_implicit(model, rule, seed=0)
        trained.compile(keras.optimizers.SGD(100.0), "mse")
        settle(trained)
    # Each of them has the same six examples.
    rows = np.concatenate([X, X]), np.concatenate([Y, Y])
    alone = moved(one, *rows, 100.0, rule)
    before = model.get_weights()
    logs = trained.fit(*rows, batch_size=12, shuffle=False, verbose=0).history
    after = model.get_weights()
    assert_same([a - b for a, b in zip(after, before, strict=True)], alone)
    untrained = np.mean((net_output(before) - Y) ** 2)
    np.testing.assert_allclose(logs["loss"][0], untrained, rtol=1e-5)


def net_output(weights):
    kernel, bias, last, last_bias = weights
    return np.maximum(X @ kernel + bias, 0) @ last + last_bias


@pytest.mark.parametrize(
    "rule", [pytest.param("dual", marks=pytest.mark.slow), *RULES[1:]]
)
def test_a_subclass_that_is_not_built_is_trained_and_saved(rule, tmp_path):
    trained = make_implicit(Subclass(), rule, seed=0)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    # To be built in a graph is harder.
    trained.compile(optimizer, "mse", run_eagerly=rule != "dual")
    trained.fit(X, Y, verbose=0)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(
        tmp_path / "model.keras", custom_objects={"Subclass": Subclass}
    )
    assert loaded.rule == rule
    for each in (trained, loaded):
        each.train_on_batch(X, Y)
    assert_same(trained.get_weights(), loaded.get_weights())


class Subclass(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.steps = [layers.Dense(3, "relu"), layers.Dense(2)]

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


def test_the_model_says_what_is_implicit():
    model = net(
        layers.Dense(3, "tanh", name="a"),
        layers.LayerNormalization(name="b"),
        layers.Dense(3, name="c", trainable=False),
        layers.Dense(2, name="d"),
    )
    trained = make_implicit(model, "layerwise", layers=["a", "c"])
    trained.compile("sgd", "mse")
    told = dict(
        (line.split()[0], line.split(maxsplit=2)[2])
        for line in trained.implicit_summary().split("\n")
    )
    assert told == {
        "a": "implicit (dense)",
        "b": "explicit",
        "c": "not trained",
        "d": "explicit",
    }


@pytest.mark.parametrize("rule", ["dual", "layerwise", "averaged"])
def test_damping_is_none_at_a_small_rate_and_grows(rule):
    model = net(layers.Dense(3, "tanh", name="a"), layers.Dense(2))
    trained = make_implicit(model, rule, seed=0)
    found = []
    for rate in (1e-5, 1.0, 100.0):
        trained.compile(keras.optimizers.SGD(rate), "mse")
        before = trained.get_weights()
        found.append(trained.implicit_diagnostics(X, Y)["a"])
        assert_same(trained.get_weights(), before, rtol=0, atol=0)
    damping = [x["damping"] for x in found]
    np.testing.assert_allclose(damping[0], 1.0, rtol=1e-2)
    # A step may grow at first: on its way to where the slope is largest.
    assert 0 < damping[2] < 0.9
    if rule == "dual":
        assert damping[0] > damping[1] > damping[2]
    else:
        assert found[0]["several_roots"] == found[0]["kink_hits"] == 0


def test_kinks_are_counted():
    model = net(layers.Dense(3, "relu", name="a"), layers.Dense(2))
    trained = make_implicit(model, "averaged", whole_loss=False)
    trained.compile(keras.optimizers.SGD(1e4), "mse")
    found = trained.implicit_diagnostics(X, Y)["a"]
    assert 0 < found["kink_hits"] < 1 and 0 < found["several_roots"] < 1
    callback = ImplicitDiagnostics(X, Y)
    logs = trained.fit(X, Y, verbose=0, callbacks=[callback]).history
    assert set(logs) == {"loss"} | {f"{name}/a" for name in found} | {
        f"{name}/{model.layers[1].name}" for name in found
    }


def test_the_rate_of_the_problem_may_be_another():
    one, other = (net(layers.Dense(2)) for _ in range(2))
    other.set_weights(one.get_weights())
    full = moved(one, X, Y, 2.0, "dual")
    half = moved(other, X, Y, 1.0, "dual", prox_learning_rate=2.0)
    assert_same(full, [2 * x for x in half])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: make_implicit(net(layers.Dense(2)), "both"),
            ValueError,
            "rule",
        ),
        (lambda: make_implicit("net"), TypeError, "keras.Model"),
        (
            lambda: make_implicit(net(layers.LayerNormalization())),
            ValueError,
            "no layer .*LayerNormalization",
        ),
        (
            lambda: make_implicit(net(layers.Dense(2)), layers=["x"]),
            ValueError,
            "to name layers",
        ),
        (
            lambda: make_implicit(net(layers.Dense(2)), curvature_scale=0),
            ValueError,
            "curvature_scale",
        ),
        (
            lambda: make_implicit(net(layers.Dense(2)), prox_learning_rate=-1),
            ValueError,
            "prox_learning_rate",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_curvature_is_measured_at_first_and_then_now_and_then():
    trained = make_implicit(net(layers.Dense(2)), seed=0)
    trained.compile(keras.optimizers.SGD(0.0), "mse")
    ((_, value),) = trained.trained_implicitly()
    measured = []
    for steps in (0, 1, 99, 101, 119, 120):
        trained.steps.assign(steps)
        value.assign(7.0)
        trained.train_on_batch(X, Y)
        measured.append(float(value.value) != 7.0)
    assert measured == [True, True, True, False, False, True]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_that_is_not_finite_leaves_weights_and_momentum(compiled):
    trained = make_implicit(net(layers.Dense(2)), "truncated")
    trained.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "mse", jit_compile=compiled
    )
    trained.train_on_batch(X, Y)
    variables = [*trained.trainable_variables, *trained.optimizer.variables]
    kept = [x for x in variables if len(x.shape)]
    assert len(kept) == 4
    kept.append(trained.optimizer.iterations)
    before = [x.numpy() for x in kept]
    trained.train_on_batch(X * np.nan, Y)
    assert_same([x.numpy() for x in kept], before, rtol=0, atol=0)


def test_curvature_is_that_of_the_loss_however_it_is_written():
    y = np.array([[0.0], [1.0]] * 3)
    found = []
    for hidden, loss in (
        (
            [layers.Dense(1)],
            keras.losses.BinaryCrossentropy(from_logits=True),
        ),
        ([layers.Dense(1, "sigmoid")], "binary_crossentropy"),
        (
            [layers.Dense(1, "sigmoid"), layers.Rescaling(1.0)],
            "binary_crossentropy",
        ),
    ):
        model = net(*hidden)
        # Probabilities of 1/2, where the bound is reached.
        model.set_weights([np.zeros((4, 1)), np.zeros(1)])
        trained = make_implicit(model, seed=0)
        trained.compile(keras.optimizers.SGD(0.0), loss)
        trained.train_on_batch(X, y)
        ((_, value),) = trained.trained_implicitly()
        found.append(float(value.value))
    np.testing.assert_allclose(found[1:], found[0], rtol=1e-4)


def test_a_step_needs_a_learning_rate():
    trained = make_implicit(net(layers.Dense(2)))
    trained.compile(None, "mse")
    with pytest.raises(ValueError, match="optimizer with a learning rate"):
        trained.train_on_batch(X, Y)


@pytest.mark.parametrize("rule", ["layerwise", "averaged"])
@pytest.mark.parametrize("twice", [False, True])
def test_damping_is_that_of_the_step_of_the_weights(rule, twice):
    # Rows of many lengths: those of the longest are damped most.
    x = X * np.array([[0.1], [0.3], [1], [3], [10], [30]], "float32")
    first = layers.Dense(4, "tanh", name="a", kernel_regularizer="l2")
    inputs = keras.Input((4,))
    hidden = first(first(inputs)) if twice else first(inputs)
    model = keras.Model(inputs, layers.Dense(2)(hidden))
    trained = make_implicit(model, rule, prox_learning_rate=5.0)
    trained.compile(keras.optimizers.SGD(1.0), "mse")
    told = trained.implicit_diagnostics(x, Y)["a"]["damping"]
    with tf.GradientTape() as tape:
        loss = ops.mean(ops.square(model(x) - Y)) + sum(model.losses)
    explicit = tape.gradient(loss, [w.value for w in first.weights])
    before = first.get_weights()
    trained.train_on_batch(x, Y)
    step = [a - b for a, b in zip(before, first.get_weights(), strict=True)]
    norms = [
        np.sqrt(sum(np.sum(np.square(a)) for a in of))
        for of in (step, explicit)
    ]
    np.testing.assert_allclose(told, norms[0] / norms[1], rtol=1e-3)


def test_the_damping_of_a_convolution_is_told():
    model = net(layers.Reshape((4, 1)), layers.Conv1D(2, 2, name="c"))
    model.layers[-1].activation = keras.activations.tanh
    model = keras.Sequential([*model.layers, layers.Flatten(), layers.Dense(2)])
    trained = make_implicit(model, "layerwise")
    trained.compile(keras.optimizers.SGD(100.0), "mse")
    assert 0 < trained.implicit_diagnostics(X, Y)["c"]["damping"] < 0.9
