import keras
import numpy as np
import pytest
from keras import layers
from lagrangian_toys import assert_close, examples, net
from local_models import (
    FEATURES,
    X,
    Y,
    compiled,
    gradients,
    images,
    true_gradients,
)

from keras_bp.training import (
    DirectFeedbackAlignmentModel,
    FeedbackAlignmentModel,
)


def small(*hidden, **options):
    model = net(*hidden or (5, 4), shape=(FEATURES,))
    return compiled(DirectFeedbackAlignmentModel(model, seed=0, **options))


@pytest.mark.parametrize("last", [None, "inside", "behind"])
def test_with_one_hidden_layer_it_is_feedback_alignment(last):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax" if last == "inside" else None),
        ]
    )
    if last == "behind":
        model.add(layers.Softmax())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=last is None)
    direct = DirectFeedbackAlignmentModel(model, seed=0)
    other = FeedbackAlignmentModel(model, seed=1)
    for trained in (direct, other):
        compiled(trained, loss=loss)
    feedback = other.feedback_of(model.layers[2])
    direct.feedback_weights[0].assign(feedback)
    assert_close(gradients(direct, X, Y), gradients(other, X, Y))
    ((kernel, stored),) = direct.feedback_pairs()
    assert kernel is model.layers[2].kernel
    np.testing.assert_array_equal(stored, feedback)


def test_each_layer_gets_the_errors_of_the_outputs():
    trained = small()
    first, second, last = trained.model.layers
    lower, upper = (np.asarray(b) for b in trained.feedback_weights)
    assert lower.shape == (5, 3) and upper.shape == (4, 3)
    h_1 = np.tanh(X @ first.kernel + first.bias)
    h_2 = np.tanh(h_1 @ second.kernel + second.bias)
    logits = h_2 @ last.kernel + last.bias
    error = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    error[np.arange(len(Y)), Y] -= 1
    error /= len(Y)
    expected = []
    for read, signal in (
        (X, (error @ lower.T) * (1 - h_1**2)),
        (h_1, (error @ upper.T) * (1 - h_2**2)),
        (h_2, error),
    ):
        expected += [read.T @ signal, signal.sum(0)]
    assert_close(gradients(trained, X, Y), expected, atol=1e-6)


def test_no_derivative_crosses_a_layer():
    trained = small()
    for layer in trained.model.layers[1:]:
        layer.kernel.assign(0 * layer.kernel)
    assert not np.any(true_gradients(trained, X, Y)[0])
    assert np.all(gradients(trained, X, Y)[0])


def test_images_sums_and_several_outputs_have_errors_of_their_own():
    model = images()
    two = keras.Model(
        model.inputs, [*model.outputs, layers.Dense(2)(model.layers[-1].input)]
    )
    trained = DirectFeedbackAlignmentModel(two, seed=0)
    assert trained.errors.size == 3 + 2
    x, y = examples(6, (6, 6, 2))
    losses = [keras.losses.SparseCategoricalCrossentropy(True)] * 2
    compiled(trained, loss=losses)
    found = gradients(trained, x, [y, y % 2])
    assert all(np.any(g) for g in found)
    shapes = [tuple(b.shape) for b in trained.feedback_weights]
    # Pictures that were read by a convolution and a sum, the sum pooled and
    # flat, and what both outputs read.
    assert shapes == [(6 * 6 * 3, 5), (3 * 3 * 3, 5), (5, 5)]


def test_outputs_that_are_sums_give_their_errors_as_they_are():
    inputs = keras.Input((FEATURES,))
    x = layers.Dense(3, activation="tanh")(inputs)
    outputs = layers.Add()([layers.Dense(3)(x), layers.Dense(3)(inputs)])
    trained = DirectFeedbackAlignmentModel(keras.Model(inputs, outputs), seed=0)
    assert trained.errors.size == 3
    compiled(trained)
    found = gradients(trained, X, Y)
    true = true_gradients(trained, X, Y)
    same = [np.allclose(a, b) for a, b in zip(found, true, strict=True)]
    assert same == [False, False, True, True, True, True]


def test_what_it_cannot_train_is_named():
    with pytest.raises(ValueError, match="^DirectF.*no neurons"):
        DirectFeedbackAlignmentModel(net())
    with pytest.raises(ValueError, match="^DirectF.*'cell'.*recurrent"):
        DirectFeedbackAlignmentModel(
            net(layers.GRU(3, name="cell"), shape=(4, 2))
        )
    with pytest.raises(ValueError, match="^DirectF.*no fixed size"):
        DirectFeedbackAlignmentModel(
            net(layers.Conv1D(3, 2), shape=(None, FEATURES))
        )
    inputs = keras.Input((FEATURES,))
    x = layers.Dense(3)(inputs)
    with pytest.raises(ValueError, match="outputs of the model that none"):
        DirectFeedbackAlignmentModel(
            keras.Model(inputs, [x, layers.Dense(2)(x)])
        )
    with pytest.raises(ValueError, match="`scale`"):
        small(scale=-1.0)
