import re

import keras
import numpy as np
import pytest
import small_generators
import spectral_coverage as coverage
import tensorflow as tf
from keras import layers

from keras_bp.spectral import JacobianOperator

RNG = np.random.default_rng(0)
Z = np.random.default_rng(1).normal(size=(2, coverage.LATENTS))
names = [row.name for row in coverage.ROWS]
computed = [row for row in coverage.ROWS if row.outcome != "refused"]
refused = [row for row in coverage.ROWS if row.outcome == "refused"]


def rows_of(model, z):
    """The Jacobian row after row, as reverse mode has it."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        outputs = tf.reshape(model(z), (len(z), -1))
        entries = tf.unstack(outputs, axis=1)
    found = [tape.gradient(x, z, unconnected_gradients="zero") for x in entries]
    return np.stack(found, axis=1)


def jacobian_and_score(model, z):
    """The Jacobian, and a sum over it."""
    found = JacobianOperator(model, z).dense()
    size = found[0].shape.num_elements()
    waves = tf.sin(tf.cast(tf.range(size), z.dtype))
    return found, tf.reduce_sum(found * tf.reshape(waves, found.shape[1:]))


def directions_of(tensors):
    return [RNG.normal(size=x.shape).astype(x.dtype.name) for x in tensors]


def along(gradients, directions):
    return sum(
        float(np.sum(np.asarray(g) * d))
        for g, d in zip(gradients, directions, strict=True)
        if g is not None
    )


@pytest.mark.parametrize("row", computed, ids=lambda row: row.name[:40])
def test_jacobians_and_their_gradients_are_right(row):
    model, z = row.model(), tf.constant(Z, row.policy)
    weights = [w.value for w in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(z)
        found, score = jacobian_and_score(model, z)
    dz, *dw = tape.gradient(score, [z, *weights])
    precise = row.policy == "float64"
    atol = (1e-12 if precise else 1e-6) * np.abs(found).max()
    np.testing.assert_allclose(found, rows_of(model, z), rtol=0, atol=atol)
    step, near = (1e-5, 1e-6) if precise else (3e-3, 2e-2)
    directions, before = (
        directions_of([z, *weights]),
        [w.numpy() for w in weights],
    )
    scores = []
    for sign in (1, -1):
        moved = [sign * step * d for d in directions]
        for w, old, d in zip(
            model.trainable_variables, before, moved[1:], strict=True
        ):
            w.assign(old + d)
        scores.append(float(jacobian_and_score(model, z + moved[0])[1]))
    expected = (scores[0] - scores[1]) / (2 * step)
    slope = along([dz, *dw], directions)
    assert slope == pytest.approx(expected, rel=near, abs=near)


@pytest.mark.parametrize("row", refused, ids=lambda row: row.name[:40])
def test_what_has_no_jacobian_is_refused_by_name(row):
    model, z = row.model(), tf.constant(Z, row.policy)
    with pytest.raises((TypeError, ValueError), match=row.words):
        JacobianOperator(model, z, training=row.training)


GRAPHS = (
    "UpSampling2D 'bilinear'",
    "MaxPooling that keeps the shape",
    "SimpleRNN",
)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_has_the_same_jacobian(name):
    row = coverage.ROWS[names.index(name)]
    model, z = row.model(), tf.constant(Z, row.policy)
    found = tf.function(lambda z: JacobianOperator(model, z).dense())(z)
    atol = (1e-12 if row.policy == "float64" else 1e-6) * np.abs(found).max()
    np.testing.assert_allclose(found, rows_of(model, z), rtol=0, atol=atol)


@pytest.mark.parametrize(
    "name", ["A function with a gradient of its own", "FixedPointQuantizer"]
)
def test_a_graph_refuses_what_eager_mode_refuses(name):
    row = coverage.ROWS[names.index(name)]
    model, z = row.model(), tf.constant(Z, row.policy)
    with pytest.raises(ValueError, match="forward mode"):
        tf.function(lambda z: JacobianOperator(model, z).dense())(z)


class Gated(layers.Layer):
    """A function with a gradient of its own, times weights."""

    def __init__(self, start, trainable, count=1):
        super().__init__()
        self.gates = [
            self.add_weight((), initializer=start, trainable=trainable)
            for _ in range(count)
        ]
        self.built = True

    def call(self, x):
        y = coverage.doubled(x)
        for gate in self.gates:
            y = gate * y
        return x + y


HIDDEN = {
    "frozen at zero": lambda x: Gated("zeros", False)(x),
    "tiny twice": lambda x: Gated(
        keras.initializers.Constant(1e-8), True, count=2
    )(x),
    "small beside another": lambda x: (
        x + 1e-5 * layers.Lambda(coverage.doubled)(x)
    ),
}
COUPLED = {
    "by those after it": lambda x: layers.Lambda(
        lambda x: keras.ops.flip(keras.ops.cumsum(keras.ops.flip(x, 0), 0), 0)
    )(x),
    "by a comparison": lambda x: layers.Lambda(
        lambda x: keras.ops.where(x > keras.ops.mean(x, 0), x, 0.1 * x)
    )(x),
    "behind a frozen zero": lambda x: Mixed()(x),
}


class Mixed(layers.Layer):
    """Adds the mean of the batch, times a weight that is not trained."""

    def __init__(self):
        super().__init__()
        self.gate = self.add_weight((), initializer="zeros", trainable=False)
        self.built = True

    def call(self, x):
        return x + self.gate * keras.ops.mean(x, 0, keepdims=True)


@pytest.mark.parametrize("name", [*HIDDEN, *COUPLED])
def test_what_is_hidden_from_a_look_is_found(name):
    x = keras.Input((4,))
    words = "forward mode" if name in HIDDEN else "examples are coupled"
    model = keras.Model(x, {**HIDDEN, **COUPLED}[name](x))
    with pytest.raises(ValueError, match=words):
        JacobianOperator(model, np.ones((1, 4)))


def test_a_constant_kept_as_a_weight_may_be_moved_to_where_nothing_is_finite():
    class Root(Mixed):
        def call(self, x):
            return keras.ops.sqrt(-self.gate) + x

    x = keras.Input((4,))
    found = JacobianOperator(keras.Model(x, Root()(x)), np.ones((1, 4)))
    np.testing.assert_array_equal(found.dense()[0], np.eye(4))
    with pytest.raises(ValueError, match="forward mode"):
        y = layers.Lambda(coverage.doubled)(x)
        JacobianOperator(keras.Model(x, Root()(y)), np.ones((1, 4)))


def test_the_table_of_the_page_is_that_of_the_rows():
    page = coverage.PAGE.read_text(encoding="utf-8")
    assert coverage.in_page(page) == coverage.table(), coverage.__doc__


def test_every_layer_of_keras_that_a_generator_may_have_has_a_row():
    public = {
        value.__name__
        for value in vars(layers).values()
        if isinstance(value, type) and issubclass(value, layers.Layer)
    }
    told = "".join(row.name for row in coverage.ROWS)
    missing = {
        name
        for name in public
        if not coverage.NOT_OF_GENERATORS.search(name)
        and not any(word in told for word in (name, _stem(name)))
    }
    assert not missing, f"Give {sorted(missing)} a row: {coverage.__doc__}"


def _stem(name):
    """The name of a layer without its dimensions, or that of its kind."""
    for end in ("Cell", "RNNCells"):
        name = name.removesuffix(end)
    return re.sub(r"[123]D$", "", name)


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_products_are_those_of_the_matrix(compiled, dtype):
    matrix = RNG.normal(size=(5, 3))
    model = small_generators.linear(matrix, dtype=dtype)
    z = tf.constant(RNG.normal(size=(2, 3)), dtype)
    v, u = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 5))

    def products(z, v, u):
        jacobian = JacobianOperator(model, z)
        return (
            jacobian.jvp(v),
            jacobian.vjp(u),
            jacobian.gram_matvec(v),
            jacobian.dense(),
            jacobian.outputs,
        )

    found = compiled(products)(z, v, u)
    expected = (
        v @ matrix.T,
        u @ matrix,
        v @ matrix.T @ matrix,
        np.broadcast_to(matrix, (2, 5, 3)),
        np.asarray(tf.cast(z, "float64")) @ matrix.T,
    )
    tolerance = {"bfloat16": 0.05, "float32": 1e-5, "float64": 1e-12}[dtype]
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == z.dtype
        x = tf.cast(x, "float64")
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * 5)


def test_chunks_change_neither_the_jacobian_nor_its_gradients(compiled):
    model = small_generators.smooth(3, 4, dtype="float64")
    z = tf.constant(RNG.normal(size=(2, 3)))
    weights = model.trainable_variables

    def run(z, chunk):
        with tf.GradientTape() as tape:
            tape.watch(z)
            found = JacobianOperator(model, z).dense(chunk)
            score = tf.reduce_sum(tf.sin(found))
        values = [w.value for w in weights]
        return found, *tape.gradient(score, [z, *values])

    expected = run(z, None)
    # The last block of two has one column; four are more than there are.
    for function in (compiled(lambda z: run(z, 2)), lambda z: run(z, 4)):
        for x, y in zip(function(z), expected, strict=True):
            if y is None:
                assert x is None or not np.any(x)
            else:
                np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)


def test_a_model_is_left_as_it_was():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(4, activity_regularizer="l2"),
            layers.Reshape((2, 2, 1)),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Reshape((2, 8)),
            layers.SimpleRNN(3),
        ]
    )
    attributes = [dict(vars(layer)) for layer in model.layers]
    model(np.ones((1, 4)))
    losses = [float(x) for x in model.losses]
    with tf.GradientTape() as tape:
        found = JacobianOperator(model, np.ones((1, 4))).dense()
    tape.gradient(found, model.trainable_variables)
    assert len(losses) == 1
    assert [float(x) for x in model.losses] == losses
    for layer, before in zip(model.layers, attributes, strict=True):
        assert "call" not in vars(layer)
        assert getattr(layer, "unroll", False) is False
        assert vars(layer).keys() == before.keys()


def test_it_is_looked_through_once(monkeypatch):
    model = small_generators.smooth(3, 4)
    calls = []
    original = type(model).call
    monkeypatch.setattr(
        type(model),
        "call",
        lambda self, *args, **kwargs: (
            calls.append(1) or original(self, *args, **kwargs)
        ),
    )
    JacobianOperator(model, np.ones((1, 3)))
    first = len(calls)
    JacobianOperator(model, np.zeros((5, 3)))
    assert first > 0 and len(calls) == first


TWO_INPUTS = keras.Model(
    ins := [keras.Input((2,)), keras.Input((2,))], layers.Add()(ins)
)
TWO_OUTPUTS = keras.Model(x := keras.Input((2,)), [x * 2.0, x * 3.0])
PAIR = np.ones((1, 2), "float32")


def bad(words, error, model=None, z=PAIR):
    def make():
        return small_generators.linear(np.eye(2)) if model is None else model

    return pytest.param(words, error, make, z, id=words)


@pytest.mark.parametrize(
    ("words", "error", "model", "z"),
    [
        bad("a keras.Model or a layer", TypeError, lambda z: z),
        bad(
            "a model that is built",
            ValueError,
            keras.Sequential([layers.Dense(2)]),
        ),
        bad("a model with 2 inputs", ValueError, TWO_INPUTS),
        bad("a model with 2 outputs", ValueError, TWO_OUTPUTS),
        bad("z of dtype int32", TypeError, z=tf.ones((1, 2), "int32")),
        bad("z of dtype float64", ValueError, z=tf.ones((1, 2), "float64")),
        bad("z of dtype float16", TypeError, z=tf.ones((1, 2), "float16")),
        bad(r"z of the shape \(1, 3\)", ValueError, z=np.ones((1, 3))),
        bad(r"z of the shape \(2,\)", ValueError, z=np.ones(2)),
    ],
)
def test_bad_input_is_named(words, error, model, z):
    with pytest.raises(error, match=words):
        JacobianOperator(model(), z)


def test_a_nested_model_that_casts_down_is_named():
    inner = small_generators.linear(np.eye(2))
    x = keras.Input((2,), dtype="float64")
    outer = keras.Model(x, layers.Dense(2, dtype="float64")(inner(x)))
    with pytest.raises(ValueError, match="an input of dtype float32"):
        JacobianOperator(outer, tf.ones((1, 2), "float64"))


def test_layers_in_half_precision_are_refused_where_squares_overflow():
    x = keras.Input((2,))
    inner = layers.Dense(2, dtype="float16", name="narrow")
    model = keras.Model(x, layers.Dense(3, dtype="float32")(inner(x)))
    with pytest.raises(TypeError, match="the layer 'narrow'"):
        JacobianOperator(model, PAIR)


def test_vectors_of_another_size_are_named():
    jacobian = JacobianOperator(small_generators.linear(np.eye(2)), PAIR)
    with pytest.raises(ValueError, match=r"shape=\(1, 3\)"):
        jacobian.jvp(np.ones((1, 3)))


def test_latents_without_a_path_are_named():
    x = keras.Input((2,))
    model = keras.Model(x, layers.Lambda(tf.zeros_like)(x))
    with pytest.raises(ValueError, match="without such a path"):
        JacobianOperator(model, PAIR).dense()
