import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype("float32")
Y = RNG.normal(size=(12, 3)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
def distance(a, b):
    return ops.sum(ops.square(a - b), axis=-1)


@keras.saving.register_keras_serializable(package="tests")
def largest(x):
    return ops.max(ops.abs(x), axis=-1)


@pytest.mark.parametrize(
    "cost",
    [
        "mean_squared_error",
        keras.losses.MeanSquaredError(),
        lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2, axis=(1, 2)),
    ],
)
def test_a_loss_by_name_by_instance_and_by_function(cost):
    a = RNG.normal(size=(5, 3, 2)).astype("float32")
    b = RNG.normal(size=(5, 3, 2)).astype("float32")
    found = CostNode(cost, weight=2.0)([a, b])
    assert found.shape == (5,)
    expected = 2 * np.mean((a - b) ** 2, axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_class_numbers_stay_integers():
    target = np.array([2, 0], "int32")
    p = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], "float32")
    found = CostNode("sparse_categorical_crossentropy")([target, p])
    np.testing.assert_allclose(found, [-np.log(0.7), -np.log(0.5)], rtol=1e-5)


def test_a_function_of_one_tensor():
    found = CostNode(largest, weight=-0.5)(X)
    np.testing.assert_allclose(found, -0.5 * np.abs(X).max(axis=-1), rtol=1e-6)
    symbolic = CostNode(largest)(keras.Input((4,)))
    assert symbolic.shape == (None,) and symbolic.dtype == "float32"
    node = CostNode(distance)
    assert node.compute_output_shape([(7, 4), (7, 4)]) == (7,)
    assert node.compute_output_shape((7, 4)) == (7,)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_another_model_adds_the_mean_to_its_loss(mode):
    inputs = keras.Input((4,))
    h = keras.layers.Dense(3, name="dense")(inputs)
    cost = CostNode(largest, weight=0.5)(h)
    model = keras.Model(inputs, [h, cost])
    model.compile(
        keras.optimizers.SGD(0.1),
        loss=["mse", None],
        run_eagerly=mode == "eager",
        jit_compile=mode == "xla",
    )
    kernel, bias = model.get_layer("dense").get_weights()
    value = X @ kernel + bias
    expected = np.mean((value - Y) ** 2) + 0.5 * np.abs(value).max(-1).mean()
    step = model.fit(X, [Y, np.zeros(12)], batch_size=12, verbose=0)
    assert step.history["loss"][0] == pytest.approx(expected, rel=1e-5)
    # By hand: of each row the largest number moves.
    slope = 2 * (value - Y) / value.size
    top = np.abs(value).argmax(axis=-1)
    slope[range(12), top] += 0.5 * np.sign(value[range(12), top]) / 12
    np.testing.assert_allclose(
        model.get_layer("dense").get_weights()[0],
        kernel - 0.1 * X.T @ slope,
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("cost", "shape"),
    [
        (lambda x: ops.sum(x), r"\(\)"),
        (lambda x: x, r"\(12, 4\)"),
        (lambda x: ops.mean(x, axis=-1, keepdims=True), r"\(12, 1\)"),
    ],
)
def test_a_cost_is_a_number_for_each_example(cost, shape):
    node = CostNode(cost, name="wrong")
    words = rf"CostNode 'wrong' expects .* \(batch,\).* Received: shape={shape}"
    with pytest.raises(ValueError, match=words):
        node(X)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no_such_loss",), "`cost` to be a function, .* cost='no_such_loss'"),
        ((3,), "`cost` to be a function, .* Received: cost=3"),
        ((largest, float("nan")), "`weight` to be a finite number"),
        ((largest, "1"), "`weight` to be a finite number"),
    ],
)
def test_arguments_are_checked(arguments, words):
    with pytest.raises(ValueError, match=f"CostNode expects {words}"):
        CostNode(*arguments)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_it_computes_in_float32_under_mixed_precision(half):
    seen = []

    def cost(x, index):
        seen.append((x.dtype, index.dtype))
        return ops.sum(x * 1000, axis=-1) + ops.cast(index, x.dtype)

    x = tf.fill((2, 100), tf.constant(3.0, half))
    found = CostNode(cost, dtype=f"mixed_{half}")([x, tf.constant([1, 2])])
    assert seen == [(tf.float32, tf.int32)]
    assert found.dtype == "float32"
    # Half precision would overflow, or round.
    np.testing.assert_array_equal(found, [300_001.0, 300_002.0])
    found = CostNode(largest, dtype="float64")(tf.constant(X))
    assert found.dtype == "float64"


@pytest.mark.parametrize(
    "cost", ["mean_absolute_error", keras.losses.LogCosh(), distance]
)
def test_a_model_reloads_with_its_costs(cost, tmp_path):
    inputs = keras.Input((4,))
    h = keras.layers.Dense(4)(inputs)
    outputs = CostNode(cost, weight=0.7, name="cost")([h, inputs])
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_layer("cost").weight == 0.7
    expected = model(X)
    assert expected.shape == (12,)
    np.testing.assert_array_equal(again(X), expected)


def test_the_name_of_a_class_is_the_name_of_a_loss():
    found = CostNode("MeanSquaredError")([X, X + 2])
    np.testing.assert_allclose(found, np.full(12, 4.0), rtol=1e-5)
