"""Losses of `compile` as costs: what they are given, and which are refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_bp.layers import StochasticNode
from keras_bp.losses import PairwiseAUC
from keras_bp.training import BackpropQModel, SurrogateModel

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class Square(keras.losses.Loss):
    """As the documentation of Keras writes a loss."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred - y_true), axis=-1)


def square(y_true, y_pred):
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def ends(units=1):
    x = keras.Input((4,))
    node = StochasticNode(estimator="score", inference="mean")
    return x, layers.Dense(units)(node(layers.Dense(3)(x)))


@pytest.mark.parametrize("loss", [Square(), square])
def test_whole_numbers_are_cast_as_by_keras(loss):
    y = (X[:, :1] > 0).astype("int32")
    model = SurrogateModel(*ends())
    model.compile("sgd", loss=loss)
    found = model.evaluate(X, y, verbose=0)
    plain = keras.Model(*ends())
    plain.set_weights(model.get_weights())
    plain.compile("sgd", loss=loss)
    np.testing.assert_allclose(found, plain.evaluate(X, y, verbose=0), 1e-5)
    assert np.isfinite(model.fit(X, y, verbose=0).history["loss"][0])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_numbers_of_classes_may_have_any_type(dtype):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = SurrogateModel(*ends(3))
    model.compile("sgd", loss=loss)
    y = np.arange(8) % 3
    found = model.evaluate(X, y.astype(dtype), verbose=0)
    expected = float(loss(y, model.predict(X, verbose=0)))
    np.testing.assert_allclose(found, expected, 1e-5)


@pytest.mark.parametrize("kind", [SurrogateModel, BackpropQModel])
@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (
            keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
            "means over the batch.*weights are not normalized.*with_sample_w",
        ),
        (PairwiseAUC(), "number for each example.*CostNode.*pairwise_auc"),
    ],
)
def test_what_is_no_mean_over_examples_is_refused(kind, loss, words):
    with pytest.raises(ValueError, match=words):
        kind(*ends()).compile("sgd", loss=loss)
