"""Joint proximal steps against closed forms and brute force."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.training import _implicit_layers, _implicit_patches
from keras_bp.training._implicit_curvature import curvature
from keras_bp.training._implicit_dual import Problem, Step, dual_gradients
from keras_bp.training._implicit_layers import Diagonal, Rows
from keras_bp.training._implicit_record import Call
from keras_bp.training.implicit_model import ImplicitModel

RNG = np.random.default_rng(0)


def dense_part(rows, features, units, weights=None):
    """Rows of a dense layer with a bias, and gradients of its logits."""
    x = RNG.normal(size=(rows, features))
    x[:, -1] = 1.0
    given = RNG.normal(size=(rows, units)) / rows
    kernel = keras.Variable(np.zeros((features - 1, units)), dtype="float64")
    bias = keras.Variable(np.zeros(units), dtype="float64")
    roots = None
    if weights is not None:
        given = given * weights[:, None]
        x = x * np.sqrt(weights)[:, None]
        roots = tf.constant(np.sqrt(weights)[:, None])
    inputs, ones = tf.constant(x[:, :-1]), tf.constant(x[:, -1:])
    part = Rows([kernel, bias], inputs, ones, [], roots)
    return part, tf.constant(given)


def solved(part, gradients, logit_gradients, curvature, step):
    problem = Problem(part, curvature, gradients, logit_gradients)
    (found,) = dual_gradients([problem], step)
    return found


def joined(found):
    kernel, bias = found
    return np.concatenate([kernel, np.asarray(bias)[None]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("rows", "features"), [(5, 9), (9, 5)])
def test_the_step_solves_the_proximal_problem(rows, features, rate, weighted):
    weights = RNG.uniform(0.1, 2, rows) if weighted else None
    part, given = dense_part(rows, features, 3, weights)
    step = Step(tf.constant(rate, "float64"), tf.constant(9.0, "float64"), {})
    h = tf.constant(0.7, "float64")
    found = joined(solved(part, None, given, h, step))
    z = part.joined().numpy()
    plain = z if weights is None else z / part.roots.numpy()
    gradient = plain.T @ given.numpy()
    gram = z.T @ z
    # Zero of the gradient of the quadratic model, at the step -rate * found.
    rest = gradient - rate * 0.7 / 9 * gram @ found - found
    assert np.abs(rest).max() <= 1e-6 * np.abs(gradient).max()


@pytest.mark.parametrize("weighted", [False, True])
def test_curvature_has_the_trace_of_gauss_and_newton(weighted):
    weights = RNG.uniform(0.1, 2, 5) if weighted else None
    part, given = dense_part(5, 4, 3, weights)
    part.logits = [given]
    z = part.joined().numpy()
    plain = z if weights is None else z / part.roots.numpy()
    # The probe has the roots of the weights in it, as `given` may have here.
    gradient = plain.T @ given.numpy()
    np.testing.assert_allclose(
        curvature([part], [[given]]),
        np.sum(gradient**2) / (3 * np.sum(z**2)),
    )


@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e4])
def test_samples_and_features_give_the_same_step(rate):
    for rows, features in ((5, 9), (9, 5)):
        part, given = dense_part(rows, features, 3)
        step = Step(
            tf.constant(rate, "float64"), tf.constant(9.0, "float64"), {}
        )
        gradient = tf.transpose(part.joined()) @ given
        split = [gradient[:-1], gradient[-1]]
        h = tf.constant(2.0, "float64")
        one = joined(solved(part, None, given, h, step))
        other = joined(solved(part, split, None, h, step))
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


def test_a_penalty_is_part_of_the_proximal_problem():
    part, given = dense_part(4, 6, 2)
    decays = {id(part.weights[0]): 0.3}
    rate = 2.0
    step = Step(
        tf.constant(rate, "float64"), tf.constant(4.0, "float64"), decays
    )
    gradient = (tf.transpose(part.joined()) @ given).numpy()
    split = [gradient[:-1], gradient[-1]]
    found = joined(solved(part, split, None, tf.constant(0.5, "float64"), step))
    z = part.joined().numpy()
    penalty = np.diag([0.3] * 5 + [0.0])
    matrix = np.eye(6) + rate * (0.5 / 4 * z.T @ z + penalty)
    np.testing.assert_allclose(
        found, np.linalg.solve(matrix, gradient), rtol=1e-6
    )


def test_weights_of_their_own_curvature_are_divided_by_it():
    weight = keras.Variable(np.zeros(3), dtype="float64")
    part = Diagonal([weight], tf.constant([1.0, 0.0, 10.0], "float64"))
    step = Step(tf.constant(2.0, "float64"), tf.constant(5.0, "float64"), {})
    (found,) = solved(
        part, [tf.ones(3, "float64")], None, tf.constant(3.0, "float64"), step
    )
    np.testing.assert_allclose(found, [1 / 2.2, 1.0, 1 / 13.0])


def test_the_step_grows_with_the_rate_on_a_quadratic():
    x = RNG.normal(size=(8, 4)).astype("float32")
    y = RNG.normal(size=(8, 1)).astype("float32")
    lengths = []
    for rate in (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
        model.set_weights([np.zeros((4, 1)), np.zeros(1)])
        trained = ImplicitModel(model, seed=0)
        trained.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
        trained.train_on_batch(x, y)
        lengths.append(np.sqrt(sum(np.sum(w**2) for w in model.get_weights())))
    assert np.all(np.diff(lengths) > 0)
    assert np.isfinite(lengths).all()


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_a_small_rate_takes_the_explicit_step(jit_compile):
    x = RNG.normal(size=(6, 5, 5, 2)).astype("float32")
    y = RNG.integers(0, 3, 6)
    found = []
    for implicit in (False, True):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.Input((5, 5, 2)),
                layers.Conv2D(3, 2, activation="tanh"),
                layers.BatchNormalization(),
                layers.Flatten(),
                layers.Dense(4, activation="relu"),
                layers.Dense(3, activation="softmax"),
            ]
        )
        before = model.get_weights()
        trained = ImplicitModel(model) if implicit else model
        trained.compile(
            keras.optimizers.SGD(1e-4),
            "sparse_categorical_crossentropy",
            run_eagerly=not implicit,
            jit_compile=implicit and jit_compile,
        )
        trained.train_on_batch(x, y)
        found.append(
            [b - a for a, b in zip(before, model.get_weights(), strict=True)]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=1e-7)


SEQUENCES = {
    "simple": lambda: layers.SimpleRNN(4),
    "lstm": lambda: layers.LSTM(4, return_sequences=True),
    "gru": lambda: layers.GRU(4, reset_after=True),
    "gru, one bias": lambda: layers.GRU(4, reset_after=False),
    "both ways": lambda: layers.Bidirectional(layers.LSTM(3)),
}


@pytest.mark.parametrize("kind", SEQUENCES)
def test_recurrent_layers_train_at_any_rate(kind):
    index = RNG.integers(0, 7, (8, 5))
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(7, 3),
            SEQUENCES[kind](),
            layers.Dense(2),
        ]
    )
    shape = model.output_shape[1:]
    y = RNG.normal(size=(8, *shape)).astype("float32")
    trained = ImplicitModel(model, seed=0)
    # Loops over steps are others in a graph.
    for rate, eager in ((1e-2, True), (1e4, False)):
        optimizer = keras.optimizers.SGD(rate)
        trained.compile(optimizer, "mse", run_eagerly=eager)
        before = model.get_weights()
        trained.train_on_batch(index, y)
        moved = [
            np.abs(a - b).max()
            for a, b in zip(before, model.get_weights(), strict=True)
        ]
        assert np.isfinite(moved).all() and np.mean(np.array(moved) > 0) > 0.9


def test_a_loss_that_is_not_finite_changes_nothing():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    trained = ImplicitModel(model)
    trained.compile(keras.optimizers.SGD(1.0), "mse")
    before = model.get_weights()
    trained.train_on_batch(np.full((3, 2), np.nan), np.zeros((3, 1)))
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_is_saved_with_its_curvatures(tmp_path):
    x = RNG.normal(size=(8, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    trained = ImplicitModel(model, curvature_scale=3.0, seed=0)
    trained.compile(keras.optimizers.SGD(0.5), "mse")
    trained.train_on_batch(x, np.ones((8, 2)))
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.curvature_scale == 3.0
    assert int(loaded.steps.value) == 1
    for each in (trained, loaded):
        each.train_on_batch(x, np.zeros((8, 2)))
    for one, other in zip(
        trained.get_weights(), loaded.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


CONVOLUTIONS = {
    "plain": (2, {"kernel_size": 3}),
    "same": (2, {"kernel_size": 3, "padding": "same"}),
    "strided": (2, {"kernel_size": (2, 3), "strides": 2, "padding": "same"}),
    "dilated": (2, {"kernel_size": 2, "dilation_rate": 2}),
    "causal": (1, {"kernel_size": 3, "padding": "causal"}),
    "sequence": (1, {"kernel_size": 2, "strides": 3}),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_patches_are_what_a_kernel_meets(kind, compiled, monkeypatch):
    rank, arguments = CONVOLUTIONS[kind]
    x = RNG.normal(size=(2, *(7, 6)[:rank], 2)).astype("float32")
    layer = (layers.Conv1D if rank == 1 else layers.Conv2D)(3, **arguments)
    outputs = np.asarray(layer(x)).reshape(2, -1, 3)
    monkeypatch.setattr(_implicit_patches, "_POSITIONS", 200)
    seed = keras.random.SeedGenerator(0)
    call = Call(tf.constant(x), None, layer(x))
    (part,) = _implicit_layers.factors(layer, [call], None, seed, compiled)
    kernel = np.asarray(layer.kernel).reshape(-1, 3)
    met = part.joined().numpy() / np.sqrt(outputs.shape[1] / 200)
    met = met.reshape(2, 200, -1)
    np.testing.assert_allclose(met[..., -1], 1.0, rtol=1e-5)
    made = met[..., :-1] @ kernel
    # Each position is drawn, and each patch gives the output of a position.
    distance = np.abs(made[:, :, None] - outputs[:, None]).max(axis=(0, 3))
    assert distance.min(axis=1).max() < 1e-5
    assert distance.min(axis=0).max() < 1e-5
