import keras
import numpy as np
import pytest

from keras_bp.callbacks import ImplicitDiagnostics


class Told(keras.Model):
    """A model that says what it was asked for."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.asked = []

    def call(self, x):
        return self.dense(x)

    def implicit_diagnostics(self, *batch):
        self.asked.append(batch)
        return {"a": {"damping": 0.5}, "b": {"damping": 0.25}}


def test_the_logs_tell_each_layer_in_some_epochs():
    x, y, weights = np.ones((4, 2)), np.zeros((4, 1)), np.ones(4)
    model = Told()
    model.compile("sgd", "mse")
    callback = ImplicitDiagnostics(x, y, weights, every=2)
    logs = model.fit(x, y, epochs=4, verbose=0, callbacks=[callback]).history
    assert logs["damping/a"] == [0.5, 0.5] and logs["damping/b"] == [0.25] * 2
    assert len(model.asked) == 2
    assert all(
        a is b for a, b in zip(model.asked[0], (x, y, weights), strict=True)
    )


def test_epochs_are_whole_numbers():
    with pytest.raises(ValueError, match="every"):
        ImplicitDiagnostics(np.ones(1), np.ones(1), every=0)


def test_only_implicit_models_have_diagnostics():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = ImplicitDiagnostics(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(TypeError, match="make_implicit"):
        model.fit(callback.x, callback.y, verbose=0, callbacks=[callback])
