import keras
import numpy as np
import pytest
from keras import layers
from lagrangian_toys import assert_close, backpropagated, examples, net, step_of
from local_models import (
    FEATURES,
    X,
    Y,
    compiled,
    gradients,
    images,
    kernels,
    true_gradients,
)

from keras_bp.training import FeedbackAlignmentModel
from keras_bp.training._linear_layers import products

IMAGES, LABELS = examples(6, (6, 6, 2))


def small(feedback="random", hidden=(5, 4), **options):
    model = net(*hidden, shape=(FEATURES,))
    return compiled(
        FeedbackAlignmentModel(model, feedback, **{"seed": 0, **options})
    )


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_with_transposed_weights_it_is_backpropagation(mode):
    model = images()
    expected = backpropagated(model, IMAGES, LABELS)
    trained = compiled(FeedbackAlignmentModel(model, "transposed"), mode)
    assert_close(step_of(trained, IMAGES, LABELS), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv1D(3, 3, padding="causal", dilation_rate=2), (7, 2)),
        (layers.Conv2D(4, 3, strides=2, padding="same", groups=2), (7, 6, 2)),
        (layers.Conv3D(2, 2, activation="tanh"), (3, 3, 3, 2)),
        (layers.DepthwiseConv1D(3, depth_multiplier=2), (7, 2)),
        (layers.DepthwiseConv2D(2, use_bias=False), (4, 5, 2)),
        (layers.SeparableConv1D(3, 3, activation="tanh"), (7, 2)),
        (layers.SeparableConv2D(3, 2, strides=2), (6, 6, 2)),
        (layers.Dense(3, activation="tanh"), (4, 2)),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, layers.Layer) else "",
)
def test_every_kind_of_layer_passes_its_own_gradient_down(layer, shape):
    # Something to learn below it, so that it has a gradient to pass.
    layer = type(layer).from_config(layer.get_config())
    below = layers.BatchNormalization()
    model = net(below, layer, layers.Flatten(), shape=shape)
    x, y = examples(4, shape)
    trained = compiled(FeedbackAlignmentModel(model, "transposed"))
    last = model.layers[-1]
    assert trained.graph.layers == [layer, last]
    true = true_gradients(trained, x, y)
    assert_close(gradients(trained, x, y), true)
    # What is below gets twice as much of each kernel that is doubled there.
    other = compiled(FeedbackAlignmentModel(model, seed=0))
    other._fixed[id(last)][0].assign(last.kernel)
    for fixed, product in zip(
        other._fixed[id(layer)], products(layer), strict=True
    ):
        fixed.assign(2.0 * product.kernel)
    factor = 2 ** len(products(layer))
    found = gradients(other, x, y)
    np.testing.assert_allclose(found[0], factor * true[0], rtol=1e-3, atol=1e-6)


def test_errors_come_down_through_the_feedback_alone():
    trained = small()
    plain = trained.model
    b_2, b_3 = (np.asarray(trained.feedback_of(x)) for x in plain.layers[1:])
    first = np.tanh(X @ plain.layers[0].kernel + plain.layers[0].bias)
    second = np.tanh(first @ plain.layers[1].kernel + plain.layers[1].bias)
    logits = np.asarray(plain(X))
    error = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    error[np.arange(len(Y)), Y] -= 1
    upper = (error @ b_3.T) * (1 - second**2)
    lower = (upper @ b_2.T) * (1 - first**2)
    found = gradients(trained, X, Y)
    expected = [
        part / len(Y)
        for read, error in ((X, lower), (first, upper), (second, error))
        for part in (read.T @ error, error.sum(0))
    ]
    assert_close(found, expected, atol=1e-6)


def test_no_derivative_passes_through_weights():
    trained = small()
    for layer in trained.model.layers[1:]:
        layer.kernel.assign(0 * layer.kernel)
    assert not np.any(true_gradients(trained, X, Y)[0])
    assert np.all(gradients(trained, X, Y)[0])


def test_signs_are_those_of_the_weights_in_each_step():
    symmetric, uniform = small("sign_symmetric"), small("uniform_sign", scale=2)
    assert not uniform.non_trainable_variables
    layer = symmetric.model.layers[1]
    magnitude = np.abs(symmetric.feedback_of(layer))
    deviation = np.sqrt(2 / (5 + 4))
    assert 0.5 * deviation < magnitude.std() + magnitude.mean() < 2 * deviation
    for sign in (1, -1):
        layer.kernel.assign(sign * layer.kernel)
        expected = np.sign(layer.kernel) * magnitude
        np.testing.assert_allclose(symmetric.feedback_of(layer), expected)
    other = uniform.model.layers[1]
    np.testing.assert_allclose(
        uniform.feedback_of(other),
        2 * deviation * np.sign(other.kernel),
        rtol=1e-6,
    )


def test_random_feedback_has_the_scale_of_glorot_and_stays():
    trained = small(hidden=(80, 60), scale=3.0)
    layer = trained.model.layers[1]
    before = np.array(trained.feedback_of(layer))
    np.testing.assert_allclose(
        before.std(), 3 * np.sqrt(2 / (80 + 60)), rtol=0.05
    )
    trained.train_on_batch(X, Y)
    np.testing.assert_array_equal(trained.feedback_of(layer), before)
    # Each layer has its own; one that reads data alone has none.
    assert len(trained.non_trainable_variables) == 2
    again = small(hidden=(80, 60), scale=3.0)
    np.testing.assert_array_equal(
        again.feedback_of(again.model.layers[1]), before
    )


def test_a_layer_that_is_called_again_has_one_feedback():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    shared = layers.Dense(FEATURES, activation="tanh")
    outputs = layers.Dense(3)(shared(shared(shared(inputs))))
    model = keras.Model(inputs, outputs)
    trained = compiled(FeedbackAlignmentModel(model, seed=0))
    assert len(trained.non_trainable_variables) == 2
    same = compiled(FeedbackAlignmentModel(model, "transposed"))
    assert_close(gradients(same, X, Y), true_gradients(same, X, Y))


def test_there_is_no_second_product_forward():
    def products(trained):
        compute = trained._traced_graphs[1]["local"]
        graph = compute.get_concrete_function(IMAGES, LABELS, None).graph
        left, seen = [x.op for x in graph.outputs], set()
        while left:
            op = left.pop()
            if op not in seen:
                seen.add(op)
                left += [x.op for x in op.inputs]
        kinds = [op.type for op in seen]
        return kinds.count("Conv2D"), kinds.count("MatMul")

    trained = compiled(FeedbackAlignmentModel(images(), seed=0), "graph")
    gradients(trained, IMAGES, LABELS)
    # Dense layers: forward, by weights, and by what they read.
    assert products(trained) == (2, 6)


def test_weights_come_to_align_with_the_feedback_of_a_linear_net():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((20,)), layers.Dense(15), layers.Dense(8)]
    )
    # Small at first, as in the theory.
    model.set_weights([0.1 * w for w in model.get_weights()])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 20)).astype("float32")
    y = x @ rng.normal(size=(20, 8)).astype("float32")
    trained = FeedbackAlignmentModel(model, seed=0)
    compiled(trained, "graph", keras.optimizers.SGD(0.3), loss="mse")
    name = model.layers[1].name
    before = trained.update_angles(x, y)
    trained.fit(x, y, batch_size=64, epochs=40, verbose=0)
    after = trained.update_angles(x, y)
    assert before[name]["alignment"] > 75
    assert after[name]["alignment"] < 45
    first = model.layers[0].name
    assert after[first]["angle"] < 60 < before[first]["angle"]


def test_what_it_cannot_train_is_named():
    def of(*hidden, **options):
        model = net(*hidden, shape=(4, FEATURES))
        return FeedbackAlignmentModel(model, **options)

    with pytest.raises(ValueError, match="'recurrent'.*recurrent"):
        of(layers.LSTM(3, name="recurrent"))
    with pytest.raises(ValueError, match="'mixed'.*EinsumDense"):
        einsum = layers.EinsumDense("abc,cd->abd", (None, 3), name="mixed")
        of(layers.Dense(3), einsum)
    # It reads data alone, and passes nothing down.
    of(layers.EinsumDense("abc,cd->abd", (None, 3)), layers.Dense(3))
    with pytest.raises(ValueError, match="'masked'.*mask"):
        of(layers.Masking(name="masked"), layers.Dense(3))
    with pytest.raises(ValueError, match="activity_regularizer"):
        of(layers.Dense(3, activity_regularizer="l2"))
    with pytest.raises(ValueError, match="`feedback` to be one of"):
        of(layers.Dense(3), feedback="none")
    with pytest.raises(ValueError, match="`scale`"):
        of(layers.Dense(3), scale=0)
    with pytest.raises(TypeError, match="`seed`"):
        of(layers.Dense(3), seed=0.5)
    with pytest.raises(ValueError, match="not built"):
        FeedbackAlignmentModel(keras.Sequential([layers.Dense(3)]))

    class Subclass(keras.Model):
        pass

    with pytest.raises(TypeError, match="Subclass"):
        FeedbackAlignmentModel(Subclass())
    with pytest.raises(ValueError, match="`compile`"):
        FeedbackAlignmentModel(net(5)).local_gradients(X, Y)


def test_penalties_of_weights_are_part_of_the_step():
    plain, penalized = small(), net(5, 4, shape=(FEATURES,))
    penalized.layers[0].kernel.regularizer = keras.regularizers.L2(0.5)
    penalized = compiled(FeedbackAlignmentModel(penalized, seed=0))
    added = gradients(penalized, X, Y)[0] - gradients(plain, X, Y)[0]
    np.testing.assert_allclose(added, kernels(plain)[0], rtol=1e-3, atol=1e-6)
