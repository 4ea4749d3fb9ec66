import functools
import types

import keras
import numpy as np
import pytest

from keras_bp.callbacks import CriticError
from keras_bp.layers import StochasticNode
from keras_bp.stochastic import critic_error
from keras_bp.training import BackpropQModel

BATCH = np.ones((4, 2), "float32")


def network():
    x = keras.Input((2,))
    bits = StochasticNode(seed=1, name="bits")(keras.layers.Dense(3)(x))
    model = BackpropQModel(x, keras.layers.Dense(2)(bits))
    model.compile("sgd", loss="mse", jit_compile=False)
    return model


def test_the_logs_get_the_error_of_all_critics_and_of_each():
    measure = functools.partial(critic_error, x=BATCH, y=BATCH)
    history = (
        network()
        .fit(
            BATCH,
            BATCH,
            epochs=2,
            verbose=0,
            callbacks=[CriticError(measure)],
        )
        .history
    )
    assert len(history["critic_error"]) == 2
    assert history["critic_error"] == history["critic_error_bits"]
    assert np.isfinite(history["critic_error"]).all()


def test_it_measures_every_so_many_epochs_and_only_then():
    calls = []

    def measure(model):
        calls.append(model)
        return types.SimpleNamespace(relative=0.5, nodes={"a": 0.25})

    callback = CriticError(measure, every=2)
    callback.set_model("model")
    callback.on_train_begin()
    found = []
    for epoch in range(3, 8):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        found.append(logs)
    told = {"critic_error": 0.5, "critic_error_a": 0.25}
    assert found == [told, {}, told, {}, told]
    assert calls == ["model"] * 3


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="to be a function of the model"):
        CriticError(3)
    with pytest.raises(ValueError, match="every"):
        CriticError(lambda model: None, every=0)
