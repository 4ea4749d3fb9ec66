import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
def unit_normal(loc):
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(loc, 1.0)


@keras.saving.register_keras_serializable(package="tests")
def bits_of_tfp(logits):
    import tensorflow_probability as tfp

    return tfp.distributions.Bernoulli(logits)


@keras.saving.register_keras_serializable(package="tests")
class Half(keras.layers.Layer):
    """Half the sum of the parameters, with a weight to train."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return 0.5 * self.factor * ops.sum(x, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="tests")
def squares(x):
    return ops.sum(ops.square(ops.cast(x, "float32") - 0.3), axis=-1)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"distribution": "gauss"}, ValueError, r"`distribution` to be one of"),
        ({"estimator": "reinforce"}, ValueError, "`estimator` to be one of"),
        ({"temperature": 0}, ValueError, "`temperature` to be greater than z"),
        ({"samples": 0}, ValueError, "`samples` to be 1 or greater"),
        ({"samples": 2.0}, TypeError, "`samples` to be an integer"),
        ({"event_ndims": -1}, ValueError, "`event_ndims` to be 0 or greater"),
        ({"inference": "median"}, ValueError, "`inference` to be one of"),
        ({"critic_units": 0}, ValueError, "`critic_units` to be 1 or greater"),
        (
            {"estimator": "score", "baseline": "ema"},
            ValueError,
            "`baseline` to be one of",
        ),
        (
            {"estimator": "rloo", "samples": 2, "baseline": "learned"},
            ValueError,
            "takes a baseline for the estimators 'score' and 'muprop'",
        ),
        (
            {"estimator": "muprop", "baseline": "optimal"},
            ValueError,
            "takes the baseline 'optimal' for the estimator 'score'",
        ),
        (
            {"distribution": "normal", "estimator": "disarm"},
            ValueError,
            "no estimator 'disarm' for a normal",
        ),
        (
            {"distribution": "categorical", "inference": "mean"},
            ValueError,
            "has no mean of class numbers; use the distribution 'one_hot'",
        ),
    ],
)
def test_arguments_are_checked(arguments, error, words):
    with pytest.raises(error, match=f"StochasticNode .*{words}"):
        StochasticNode(**arguments)


@pytest.mark.parametrize(
    ("distribution", "shape", "words"),
    [
        ("normal", (None, 3), r"2 \* units\) for one input of means"),
        ("categorical", (None,), r"expects an input of shape \(batch, ..., cl"),
    ],
)
def test_inputs_of_no_use_are_refused(distribution, shape, words):
    with pytest.raises(ValueError, match=words):
        StochasticNode(distribution).build(shape)


@pytest.mark.parametrize(
    ("arguments", "estimator", "baseline"),
    [
        ({}, "disarm", "NodeBaseline"),
        ({"baseline": "learned"}, "score", "Learned"),
        ({"samples": 4}, "rloo", "NodeBaseline"),
        ({"distribution": "one_hot"}, "score", "MovingAverage"),
        ({"distribution": "categorical"}, "score", "MovingAverage"),
        ({"distribution": "categorical", "samples": 2}, "rloo", "NodeBaseline"),
        ({"distribution": "normal"}, "reparameterized", "NodeBaseline"),
        (
            {"distribution": "mvn_diag", "samples": 3},
            "reparameterized",
            "NodeBaseline",
        ),
        ({"distribution": unit_normal}, "reparameterized", "NodeBaseline"),
        ({"distribution": bits_of_tfp}, "score", "MovingAverage"),
        ({"distribution": bits_of_tfp, "samples": 2}, "rloo", "NodeBaseline"),
    ],
)
def test_auto_takes_what_fits(arguments, estimator, baseline):
    node = StochasticNode(**arguments)
    node.build((None, 6))
    assert node.rule.name == estimator
    assert type(node.baseline_state).__name__ == baseline
    assert node.unbiased
    # What was asked for is what is saved.
    assert node.get_config()["estimator"] == "auto"
    assert node.get_config()["baseline"] == arguments.get("baseline")


def plain_model(node):
    h = keras.layers.Dense(6)(inputs := keras.Input((6,)))
    return keras.Model(inputs, keras.layers.Dense(1)(node(h)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"estimator": "disarm"}, "trained with estimator 'disarm'"),
        ({"estimator": "reinmax", "samples": 2}, "trained with `samples`=2"),
        ({"distribution": "one_hot"}, "trained with estimator 'score'"),
    ],
)
@pytest.mark.parametrize("eager", [True, False])
def test_a_model_that_supplies_no_costs_may_not_train_it(
    arguments, words, eager
):
    model = plain_model(StochasticNode(seed=1, name="bits", **arguments))
    model.compile("sgd", "mse", run_eagerly=eager)
    words = rf"'bits' is {words}, .* keras_bp\.training\.SurrogateModel"
    with pytest.raises(ValueError, match=words):
        model.fit(X, X[:, :1], verbose=0)
    # It may be asked for its output.
    assert model.predict(X, verbose=0).shape == (64, 1)
    assert np.isfinite(model.evaluate(X, X[:, :1], verbose=0))


@pytest.mark.parametrize(
    ("distribution", "estimator", "mode"),
    [
        ("bernoulli", "reinmax", "eager"),
        ("bernoulli", "reinmax", "graph"),
        ("bernoulli", "gumbel", "xla"),
        ("one_hot", "st_gumbel", "graph"),
        ("normal", "auto", "xla"),
        ("mvn_diag", "reparameterized", "graph"),
    ],
)
def test_local_estimators_train_under_plain_fit(distribution, estimator, mode):
    keras.utils.set_random_seed(0)
    model = plain_model(StochasticNode(distribution, estimator, seed=1))
    model.compile(
        keras.optimizers.Adam(0.05),
        "mse",
        run_eagerly=mode == "eager",
        jit_compile=mode == "xla",
    )
    y = 2.0 * (X[:, :1] > 0)
    before = model.layers[1].get_weights()[0]
    # Thirty steps on the same batch.
    x, y = np.tile(X, (30, 1)), np.tile(y, (30, 1))
    first = model.fit(x[:64], y[:64], batch_size=64, verbose=0)
    model.fit(x, y, batch_size=64, verbose=0)
    last = model.fit(x[:256], y[:256], batch_size=64, verbose=0)
    assert not np.allclose(model.layers[1].get_weights()[0], before)
    assert last.history["loss"][0] < 0.9 * first.history["loss"][0]


@pytest.mark.parametrize(
    ("distribution", "mean", "mode"),
    [
        ("bernoulli", [0.5, 0.880797], [0, 1]),
        ("one_hot", [0.119203, 0.880797], [0, 1]),
        ("categorical", None, 1),
        ("normal", [0.0], [0.0]),
        (unit_normal, [0.0, 2.0], [0.0, 2.0]),
    ],
)
def test_inference_gives_the_sample_the_mean_or_the_mode(
    distribution, mean, mode
):
    x = np.tile([[0.0, 2.0]], (500, 1))
    if mean is not None:
        node = StochasticNode(distribution, inference="mean")
        np.testing.assert_allclose(node(x), np.tile(mean, (500, 1)), atol=1e-5)
    node = StochasticNode(distribution, inference="mode")
    np.testing.assert_allclose(
        node(x), np.tile(mode, (500, *[1] * np.ndim(mode)))
    )
    node = StochasticNode(distribution, seed=1)
    assert len(np.unique(node(x), axis=0)) > 1
    # In training it is a sample all the same.
    node = StochasticNode("bernoulli", "reinmax", inference="mean")
    assert set(np.unique(node(x, training=True))) == {0.0, 1.0}


def test_the_relaxed_estimator_gives_a_sample_where_it_does_not_train():
    node = StochasticNode("bernoulli", "gumbel", temperature=0.5, seed=1)
    assert set(np.unique(node(X))) == {0.0, 1.0}
    relaxed = node(X, training=True).numpy()
    assert ((relaxed > 0) & (relaxed < 1)).mean() > 0.9


def test_normal_takes_a_pair_and_one_tensor():
    loc, scale = np.full((2000, 3), 0.7), np.full((2000, 3), 0.2)
    pair = StochasticNode("normal", seed=1)
    first = pair([loc, scale]).numpy()
    assert first.shape == (2000, 3)
    assert abs(first.mean() - 0.7) < 4 * 0.2 / 6000**0.5
    assert abs(first.std() - 0.2) < 0.01
    raw = np.log(np.expm1(scale))
    joined = StochasticNode("normal", seed=1)(np.concatenate([loc, raw], -1))
    np.testing.assert_allclose(joined, first, rtol=1e-5)
    assert pair.compute_output_shape([(None, 3), (None, 3)]) == (None, 3)
    symbolic = StochasticNode("normal")([keras.Input((3,)), keras.Input((3,))])
    assert symbolic.shape == (None, 3)


@pytest.mark.parametrize(
    ("distribution", "shape", "expected", "dtype"),
    [
        ("bernoulli", (4, 5), (4, 5), "float32"),
        ("categorical", (4, 5), (4,), "int32"),
        ("categorical", (4, 3, 5), (4, 3), "int32"),
        ("one_hot", (4, 3, 5), (4, 3, 5), "float32"),
        ("normal", (4, 3, 6), (4, 3, 3), "float32"),
        (unit_normal, (4, 3), (4, 3), "float32"),
        (bits_of_tfp, (4, 3), (4, 3), "int32"),
    ],
)
def test_shapes_and_types(distribution, shape, expected, dtype):
    node = StochasticNode(distribution, seed=1)
    symbolic = node(keras.Input(shape[1:]))
    assert symbolic.shape == (None, *expected[1:])
    assert symbolic.dtype == dtype
    y = node(np.zeros(shape, "float32"))
    assert y.shape == expected
    assert y.dtype == dtype


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_rare_bits_are_drawn_in_float32_under_mixed_precision(half):
    # A probability of 2.5e-4, of which half precision knows no uniform number.
    node = StochasticNode("bernoulli", "reinmax", dtype=f"mixed_{half}", seed=1)
    y = node(np.full((1000, 200), -8.3, half))
    assert y.dtype == half
    p = float(tf.sigmoid(tf.cast(tf.constant(-8.3, half), "float32")))
    ones = float(tf.reduce_sum(tf.cast(y, "float32")))
    assert abs(ones - 200_000 * p) < 4 * np.sqrt(200_000 * p)


def test_one_seed_gives_one_noise_and_no_seed_another():
    def draw(seed):
        node = StochasticNode("bernoulli", "reinmax", seed=seed)
        return np.array([node(X), node(X)])

    np.testing.assert_array_equal(draw(3), draw(3))
    first, second = draw(3)
    assert not np.array_equal(first, second)
    assert not np.array_equal(draw(3), draw(4))
    assert not np.array_equal(draw(None), draw(None))


def test_masks_pass():
    steps = np.ones((2, 4, 6), "float32")
    steps[:, 3] = 0.0
    masked = keras.layers.Masking()(steps)
    for node in (
        StochasticNode("bernoulli", "reinmax"),
        StochasticNode("categorical"),
    ):
        np.testing.assert_array_equal(
            node(masked)._keras_mask, [[True, True, True, False]] * 2
        )


def test_it_stands_in_sequential_models():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(4),
            StochasticNode("bernoulli", "straight_through", seed=1),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    loss = model.fit(X, X[:, :1], verbose=0).history["loss"]
    assert np.isfinite(loss).all()


def test_the_temperature_is_a_weight_that_is_not_trained():
    node = StochasticNode("bernoulli", "gumbel", temperature=2.0, seed=1)
    node.build((None, 6))
    assert node.trainable_weights == []
    assert float(node.temperature) == 2.0
    state = node.seed_generator.state.numpy()
    warm = node(X, training=True).numpy()
    node.temperature.assign(0.5)
    node.seed_generator.state.assign(state)
    cold = node(X, training=True).numpy()
    logit = [np.log(y.astype("float64") / (1 - y)) for y in (warm, cold)]
    inside = (cold > 0.01) & (cold < 0.99)
    np.testing.assert_allclose(
        logit[1][inside], 4 * logit[0][inside], rtol=1e-3, atol=1e-4
    )
    assert node.get_config()["temperature"] == 2.0


def test_the_temperature_of_a_trained_control_variate_is_where_it_starts():
    node = StochasticNode("bernoulli", "rebar", temperature=0.5)
    node.build((None, 6))
    assert [w.name for w in node.trainable_weights] == [
        "critic_log_temperature",
        "critic_eta",
    ]
    found = node.critic.control([w.value for w in node.critic.weights])
    np.testing.assert_allclose(found, [0.5, 1.0], rtol=1e-6)
    node = StochasticNode("bernoulli", "relax", critic_units=7)
    node.build((None, 3))
    shapes = [tuple(w.shape) for w in node.trainable_weights]
    assert shapes == [(), (), (6, 7), (7,), (7,)]


def surrogate_model(node, cost=squares):
    h = keras.layers.Dense(6, name="above")(inputs := keras.Input((6,)))
    model = SurrogateModel(inputs, CostNode(cost)(node(h)))
    model.compile(keras.optimizers.SGD(0.05))
    return model


@pytest.mark.parametrize(
    ("distribution", "estimator", "baseline"),
    [
        ("bernoulli", "score", "learned"),
        ("one_hot", "score", "optimal"),
        ("bernoulli", "muprop", "moving_average"),
        ("bernoulli", "score", "own"),
        ("bernoulli", "relax", None),
        (unit_normal, "auto", None),
        (bits_of_tfp, "auto", None),
        (unit_normal, "lax", None),
    ],
)
def test_a_model_reloads_with_all_weights_and_goes_on_alike(
    distribution, estimator, baseline, tmp_path
):
    keras.utils.set_random_seed(0)
    if baseline == "own":
        baseline = Half()
    node = StochasticNode(
        distribution, estimator, baseline=baseline, seed=1, name="node"
    )
    model = surrogate_model(node)
    model.fit(X, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert len(again.weights) == len(model.weights)
    if baseline is not None:
        names = [weight.path for weight in node.weights]
        assert any("baseline" in name or "half" in name for name in names)
    for _ in range(2):
        losses = [m.fit(X, verbose=0, shuffle=False) for m in (model, again)]
        np.testing.assert_allclose(*(x.history["loss"] for x in losses))
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def wide_model(estimator, **arguments):
    """200 bits with the cost (w . b - t)^2; the input is their logits."""
    weights = np.cos(np.arange(200)).astype("float32")
    inputs = keras.Input((200,))
    node = StochasticNode("bernoulli", estimator, seed=1, **arguments)
    cost = CostNode(lambda b: (ops.sum(b * weights, axis=-1) - 3.0) ** 2)
    model = SurrogateModel(inputs, cost(node(inputs)))
    model.compile("sgd")
    return model, node, weights.astype("float64")


@pytest.mark.parametrize(
    ("estimator", "arguments"),
    [("score", {}), ("rloo", {"samples": 4}), ("disarm", {}), ("arm", {})],
)
def test_200_bits_get_the_gradient_of_a_quadratic(estimator, arguments):
    model, _, w = wide_model(estimator, **arguments)
    logits = np.sin(np.arange(200)).astype("float32")
    rows = 20_000
    x = tf.tile(logits[None], [rows, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        surrogate = model.surrogate(x).surrogate
    found = tape.gradient(surrogate, x).numpy() * float(rows)
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    # E = (w . p - 3)^2 + sum of w^2 p (1 - p).
    slope = 2 * (w @ p - 3) * w + w**2 * (1 - 2 * p)
    exact = slope * p * (1 - p)
    error = found.std(axis=0) / rows**0.5
    z = (found.mean(axis=0) - exact) / error
    assert np.abs(z).max() < 4.5
    # Of 200 numbers with the variance 1.
    assert 0.6 < z.var() < 1.5


def test_200_bits_have_200_log_probabilities():
    node = StochasticNode("bernoulli", "score", seed=1)
    node.build((None, 200))
    x = tf.random.stateless_normal((5, 200), [1, 2])
    found = node.distribution_of(x)
    value = found.sample(node.noise_of(found))
    each = found.log_prob(value)
    p = tf.sigmoid(x)
    np.testing.assert_allclose(
        each, tf.math.log(tf.where(value == 1, p, 1 - p)), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        found.joint_log_prob(value), tf.reduce_sum(each, axis=-1), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("kind", "shape"), [("bernoulli", (2, 3)), (bits_of_tfp, (2, 3))]
)
def test_an_event_of_the_whole_batch_is_refused(kind, shape):
    with pytest.raises(ValueError, match="event_ndims.*2"):
        StochasticNode(kind, "score", event_ndims=2).build(shape)


@pytest.mark.parametrize("shapes", [((4, 1), (4, 3)), ((4, 3), (4, 1))])
def test_a_pair_that_broadcasts_has_the_shape_of_its_samples(shapes):
    node = StochasticNode("normal")
    sample = node([np.zeros(shapes[0]), np.ones(shapes[1])])
    assert tuple(sample.shape) == (4, 3)
    assert node.compute_output_shape(list(shapes)) == (4, 3)
