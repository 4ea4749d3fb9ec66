import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.layers import BackdropMask, BinaryNeuron, StochasticNode
from keras_bp.ops import mask_gradient
from keras_bp.surgery._compact_backdrop import CompactBackdrop, check_trunk

RNG = np.random.default_rng(0)
N = 10


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(3)


def stack(*parts, shape=(4,), dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *parts])


def dense(dtype="float64"):
    return stack(
        layers.Dense(6, activation="relu", dtype=dtype),
        layers.Dense(3, activation="tanh", dtype=dtype),
        dtype=dtype,
    )


def convolutions():
    return stack(
        layers.Conv2D(3, 3, activation="relu", dtype="float64"),
        layers.BatchNormalization(trainable=False, dtype="float64"),
        layers.Flatten(dtype="float64"),
        layers.LayerNormalization(dtype="float64"),
        shape=(5, 5, 2),
        dtype="float64",
    )


def two_inputs():
    a = keras.Input((3,), dtype="float64")
    b = keras.Input((2,), dtype="float64")
    hidden = layers.Dense(4, dtype="float64")(a)
    hidden = hidden * layers.Dense(4, dtype="float64")(b)
    return keras.Model([a, b], hidden)


def inputs_of(trunk, n=N):
    x = [
        tf.constant(RNG.normal(size=(n, *x.shape[1:])), x.dtype)
        for x in trunk.inputs
    ]
    return x if len(x) > 1 else x[0]


def loss_of(y):
    # Of pairs of samples: it is no sum over samples.
    return tf.reduce_sum(tf.exp(tf.cast(y[:-1] * y[1:], "float64")))


def gradients(function, trunk, inputs):
    """The output, and the gradients by the inputs and the weights."""
    flat = tf.nest.flatten(inputs)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        y = function(inputs)
        loss = loss_of(y)
    weights = [v.value for v in trunk.trainable_variables]
    found = tape.gradient(loss, [*flat, *weights])
    return y, found[: len(flat)], found[len(flat) :]


def survivors(by_inputs):
    by_input = np.asarray(by_inputs[0])
    return np.flatnonzero(
        np.any(by_input != 0, axis=(*range(1, by_input.ndim),))
    )


def masked(trunk, rows, n=N):
    """The trunk, not compacted, with a mask of some survivors."""
    mask = np.zeros(n)
    mask[rows] = n / len(rows)

    def function(inputs):
        y = trunk(inputs)
        shape = (n, *[1] * (len(y.shape) - 1))
        return mask_gradient(y, tf.constant(mask.reshape(shape)))

    return function


MODES = {
    "eager": lambda function, specs: function,
    "graph": lambda function, specs: tf.function(function),
    # As in `fit`: the size of the batch is not known while tracing.
    "graph, any size": lambda function, specs: tf.function(
        function, input_signature=[specs]
    ),
    "xla, any size": lambda function, specs: tf.function(
        function, input_signature=[specs], jit_compile=True
    ),
}


def in_mode(mode, function, trunk):
    specs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in trunk.inputs]
    return MODES[mode](function, specs if len(specs) > 1 else specs[0])


@pytest.mark.parametrize(
    ("make", "mode"),
    [
        *[(dense, mode) for mode in MODES],
        (convolutions, "eager"),
        (two_inputs, "graph, any size"),
    ],
)
def test_value_and_gradient_are_those_of_the_mask(make, mode):
    trunk = make()
    layer = CompactBackdrop(trunk, 0.7, seed=1)
    inputs = inputs_of(trunk)

    def run(inputs):
        found = gradients(lambda x: layer(x, training=True), trunk, inputs)
        return *found, trunk(inputs)

    y, by_inputs, by_weights, plain = in_mode(mode, run, trunk)(inputs)

    np.testing.assert_array_equal(y, plain)
    rows = survivors(by_inputs)
    assert len(rows) == 3
    _, *expected = gradients(masked(trunk, rows), trunk, inputs)
    for found, due in zip((by_inputs, by_weights), expected, strict=True):
        for a, b in zip(found, due, strict=True):
            assert isinstance(a, tf.Tensor)
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["eager", "graph, any size"])
@pytest.mark.parametrize(
    ("rate", "n", "k"),
    # Of 0.1 * 15, which in single precision rounds to 2.
    [(0.0, 7, 7), (0.5, 7, 4), (0.9, 15, 1), (0.99, 5, 1), (0.99, 0, 0)],
)
def test_the_number_of_survivors_is_fixed(rate, n, k, mode):
    trunk = dense("float32")
    layer = CompactBackdrop(trunk, rate, seed=2)

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return y, tape.gradient(y, x)

    run = in_mode(mode, run, trunk)
    for _ in range(3):
        y, by_x = run(inputs_of(trunk, n))
        assert y.shape == (n, 3)
        assert len(survivors([by_x])) == k


def test_each_sample_survives_as_often_and_the_weight_is_their_inverse():
    trunk = stack(layers.Dense(1, use_bias=False, kernel_initializer="ones"))
    layer = CompactBackdrop(trunk, 0.6, seed=3)

    @tf.function
    def draw(_):
        x = tf.ones((5, 4))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)[:, 0]

    draws = 400
    masks = tf.stack([draw(0) for _ in range(draws)]).numpy()
    assert set(np.unique(masks)) == {0.0, 2.5}
    np.testing.assert_array_equal(masks.sum(axis=1), 5.0)
    error = 5 * np.sqrt(1.5 / draws)
    assert np.all(abs(masks.mean(axis=0) - 1) < error)


def test_survivors_follow_the_seed_and_its_saved_state(tmp_path):
    x = inputs_of(dense())

    def draw(layer):
        return survivors(gradients(lambda x: layer(x, training=True), t, x)[1])

    t = dense()
    first = CompactBackdrop(t, 0.7, seed=4)
    runs = [draw(first) for _ in range(4)]
    again = CompactBackdrop(t, 0.7, seed=4)
    assert all(np.array_equal(draw(again), rows) for rows in runs)
    assert len({tuple(rows) for rows in runs}) > 1
    inputs = keras.Input((4,), dtype="float64")
    keras.Model(inputs, again(inputs)).save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras").layers[-1]
    assert loaded.get_config()["rate"] == 0.7
    t = loaded.trunk
    np.testing.assert_array_equal(draw(loaded), draw(first))


def test_gradients_of_second_order_are_those_of_the_mask():
    trunk = dense()
    layer = CompactBackdrop(trunk, 0.7, seed=1)
    x = inputs_of(trunk)

    def second(function):
        with tf.GradientTape() as outer:
            _, by_x, by_weights = gradients(function, trunk, x)
            norm = sum(tf.reduce_sum(g**2) for g in by_weights)
        kernel = trunk.trainable_variables[0].value
        return by_x, outer.gradient(norm, kernel)

    by_x, found = second(lambda x: layer(x, training=True))
    _, expected = second(masked(trunk, survivors(by_x)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [("float16", "graph"), ("bfloat16", "eager"), ("mixed_float16", "graph")],
)
def test_half_precision_keeps_its_types(dtype, mode):
    trunk = stack(
        layers.Dense(3, dtype=dtype),
        dtype="float32" if "mixed" in dtype else dtype,
    )
    layer = CompactBackdrop(trunk, 0.5, seed=1)
    x = inputs_of(trunk)

    def run(x):
        return gradients(lambda x: layer(x, training=True), trunk, x)

    y, by_inputs, by_weights = in_mode(mode, run, trunk)(x)
    assert y.dtype == trunk.layers[0].compute_dtype
    assert layer(trunk.inputs[0]).dtype == y.dtype
    assert by_weights[0].dtype == trunk.layers[0].variable_dtype
    rows = survivors(by_inputs)
    _, _, expected = gradients(masked(trunk, rows), trunk, x)
    for a, b in zip(by_weights, expected, strict=True):
        a, b = (tf.cast(v, "float32") for v in (a, b))
        np.testing.assert_allclose(a, b, rtol=0.03, atol=0.03)


def test_a_weight_beyond_half_precision_does_not_overflow():
    n = 70_000
    trunk = stack(
        layers.Dense(1, kernel_initializer="ones", dtype="float16"),
        shape=(1,),
        dtype="float16",
    )
    layer = CompactBackdrop(trunk, 0.99999, seed=0)
    with tf.GradientTape() as tape:
        y = layer(tf.ones((n, 1), "float16"), training=True)
    found = tape.gradient(
        y, trunk.trainable_variables[0].value, tf.fill((n, 1), y[0, 0] / 1000)
    )
    np.testing.assert_allclose(found, [[70.0]], rtol=2e-3)


class Spy(layers.Layer):
    """Remembers its outputs, but does not keep them."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, x):
        y = tf.exp(x)
        self.seen.append((x.shape[0], weakref.ref(y)))
        return y


def test_an_eager_tape_keeps_nothing_of_those_that_do_not_survive():
    spy = Spy()
    trunk = stack(layers.Dense(8), spy, layers.Dense(2))
    layer = CompactBackdrop(trunk, 0.8, seed=1)
    spy.seen.clear()
    with tf.GradientTape(persistent=True) as tape:
        y = layer(inputs_of(trunk), training=True)
    kept = {n: ref() is not None for n, ref in spy.seen}
    assert kept == {N: False, 2: True}
    assert tape.gradient(y, trunk.trainable_variables[0].value) is not None


def test_the_backward_pass_has_no_rows_but_those_of_survivors():
    trunk = dense("float32")
    layer = CompactBackdrop(trunk, 0.7, seed=1)

    @tf.function
    def run(x):
        return gradients(lambda x: layer(x, training=True), trunk, x)[2]

    graph = run.get_concrete_function(inputs_of(trunk)).graph
    sizes = [
        # What is not the weights.
        {int(x.shape[i]) for x in op.inputs for i in (0, 1)} & {N, 3}
        for op in graph.get_operations()
        if op.type == "MatMul"
    ]
    forward = [found for found in sizes if N in found]
    # Each of two layers once; and for survivors once more, and twice backward.
    assert len(forward) == 2 and len(sizes) == 8


def test_a_mask_of_timesteps_passes_through():
    trunk = stack(
        layers.Embedding(5, 3, mask_zero=True),
        layers.Dense(2),
        shape=(4,),
        dtype="int32",
    )
    x = keras.Input((4,), dtype="int32")
    y = CompactBackdrop(trunk, 0.5, seed=0)(x)
    model = keras.Model(x, layers.GlobalAveragePooling1D()(y))
    ids = tf.constant([[1, 2, 0, 0], [3, 4, 1, 2]])
    plain = layers.GlobalAveragePooling1D()(trunk(ids))
    for training in (False, True):
        np.testing.assert_array_equal(model(ids, training=training), plain)
    assert np.abs(plain - tf.reduce_mean(trunk(ids), axis=1)).max() > 1e-3


@pytest.mark.filterwarnings("ignore:.*was passed an input with a mask")
def test_a_mask_that_the_trunk_uses_up_does_not_come_back():
    trunk = keras.Sequential(
        [keras.Input((4, 3)), layers.LSTM(2, return_sequences=False)]
    )
    y = layers.Masking()(tf.ones((2, 4, 3)))
    out = CompactBackdrop(trunk, 0.5, seed=0)(y)
    assert getattr(out, "_keras_mask", None) is None


def test_losses_of_weights_count_once():
    trunk = stack(layers.Dense(3, kernel_regularizer="l2"))
    layer = CompactBackdrop(trunk, 0.5, seed=0)
    layer(inputs_of(trunk), training=True)
    (found,) = layer.losses
    np.testing.assert_allclose(found, trunk.losses[0])


class Unseeded(layers.Layer):
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))

    def compute_output_shape(self, input_shape):
        return input_shape


class Adding(layers.Layer):
    def call(self, x):
        self.add_loss(keras.ops.sum(x))
        return x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dropout(0.5, name="it"), "noise or changes .*: it,"),
        (
            lambda: StochasticNode(estimator="reinmax", name="it"),
            "noise or changes .*: it,",
        ),
        (lambda: BinaryNeuron("stochastic", name="it"), "noise .*: it,"),
        (lambda: BackdropMask(0.5, name="it"), "noise or changes .*: it,"),
        (lambda: layers.BatchNormalization(name="it"), "a state .*: it,"),
        (
            lambda: stack(layers.BatchNormalization(name="it")),
            "a state .*: it,",
        ),
        (
            lambda: layers.SpectralNormalization(layers.Dense(2), name="it"),
            "a state .*: it,",
        ),
        (Unseeded, "no seed generator of its own"),
        (
            lambda: layers.Dense(2, activity_regularizer="l2", name="it"),
            "adds a loss .*: it, where it would count twice",
        ),
        (Adding, "adds a loss .*: one whose `call` adds it"),
    ],
)
def test_what_would_differ_the_second_time_is_refused(make, message):
    trunk = stack(layers.Dense(4), make())
    with pytest.raises(ValueError, match=f"(?s)^insert .*{message}"):
        check_trunk(trunk, "insert")
    layer = CompactBackdrop(trunk, 0.5)
    state = [v.numpy() for v in trunk.variables]
    with pytest.raises(ValueError, match=f"(?s)CompactBackdrop.*{message}"):
        layer(inputs_of(trunk), training=True)
    for v, before in zip(trunk.variables, state, strict=True):
        np.testing.assert_array_equal(v, before)
    layer(inputs_of(trunk), training=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.BatchNormalization(trainable=False),
        lambda: layers.Dropout(0.0),
        lambda: BinaryNeuron(),
        lambda: layers.Normalization(mean=0.0, variance=1.0),
        lambda: layers.GroupNormalization(2),
    ],
)
def test_what_is_the_same_the_second_time_is_not(make):
    check_trunk(stack(layers.Dense(4), make()), "insert")


class Idle(layers.Layer):
    """Has a generator from which it does not draw."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(None)

    def call(self, x):
        return x


def test_a_generator_is_enough_where_pytorch_may_draw_by_its_own(monkeypatch):
    trunk = stack(layers.Dense(4), Idle(name="it"))
    check_trunk(trunk, "insert")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="(?s)^insert .*noise .*: it, where"):
        check_trunk(trunk, "insert")


def test_batch_normalization_that_is_thawed_later_is_refused():
    norm = layers.BatchNormalization(trainable=False, name="norm")
    trunk = stack(layers.Dense(4), norm)
    layer = CompactBackdrop(trunk, 0.5)
    layer(inputs_of(trunk), training=True)
    norm.trainable = True
    with pytest.raises(ValueError, match="(?s)changes a state .*: norm, where"):
        layer(inputs_of(trunk), training=True)


def test_a_rate_of_one_is_refused():
    with pytest.raises(ValueError, match="expects `rate` to be in"):
        CompactBackdrop(dense(), 1.0)
