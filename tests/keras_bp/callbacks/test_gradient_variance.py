import functools
import types

import keras
import numpy as np
import pytest

from keras_bp.callbacks import GradientVariance
from keras_bp.layers import StochasticNode
from keras_bp.stochastic import gradient_variance
from keras_bp.training import SurrogateModel

BATCH = np.ones((4, 2), "float32")


def network():
    x = keras.Input((2,))
    bits = StochasticNode(estimator="score", seed=1, name="bits")(
        keras.layers.Dense(3)(x)
    )
    model = SurrogateModel(x, keras.layers.Dense(2)(bits))
    model.compile("sgd", loss="mse")
    return model


def test_the_logs_get_the_variance_of_model_and_nodes():
    model = network()
    measure = functools.partial(
        gradient_variance, x=BATCH, y=BATCH, num_estimates=40, by_node=True
    )
    history = model.fit(
        BATCH, BATCH, epochs=2, verbose=0, callbacks=[GradientVariance(measure)]
    ).history
    assert len(history["gradient_log_variance"]) == 2
    assert np.isfinite(history["gradient_log_variance_bits"]).all()


def test_it_measures_every_so_many_epochs_and_only_then():
    calls = []

    def measure(model):
        calls.append(model)
        return types.SimpleNamespace(log_variance=-1.0)

    model = network()
    history = model.fit(
        BATCH,
        BATCH,
        epochs=5,
        verbose=0,
        callbacks=[GradientVariance(measure, every=2)],
    ).history
    assert calls == [model] * 3
    assert history["gradient_log_variance"] == [-1.0] * 3


def test_training_goes_on_as_if_it_were_not_there():
    measure = functools.partial(
        gradient_variance, x=BATCH, y=BATCH, num_estimates=40
    )
    weights = []
    for callbacks in ([], [GradientVariance(measure)]):
        keras.utils.set_random_seed(0)
        model = network()
        model.fit(BATCH, BATCH, epochs=2, verbose=0, callbacks=callbacks)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="to be a function of the model"):
        GradientVariance(3)
    with pytest.raises(ValueError, match="every"):
        GradientVariance(lambda model: None, every=0)
