import keras
import numpy as np
import pytest

from keras_bp.callbacks import SlopeAnnealing
from keras_bp.layers import BinaryNeuron

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")


def build(*slopes):
    inputs = keras.Input((4,))
    h = inputs
    for slope in slopes or (1.0,):
        h = BinaryNeuron(slope=slope)(keras.layers.Dense(3)(h))
    model = keras.Model(inputs, keras.layers.Dense(1)(h))
    model.compile("sgd", "mse")
    return model


def fit(model, callback, epochs=3, **kwargs):
    return model.fit(
        X,
        X[:, :1],
        batch_size=8,
        epochs=epochs,
        callbacks=[callback],
        verbose=0,
        **kwargs,
    ).history


def slopes(model):
    return [
        float(layer.slope.value)
        for layer in model.layers
        if isinstance(layer, BinaryNeuron)
    ]


def test_twenty_epochs_train_with_the_slopes_of_the_paper():
    model = build()
    history = fit(model, SlopeAnnealing(1.1), epochs=20)
    np.testing.assert_allclose(
        history["slope"], 1.1 ** np.arange(20), rtol=1e-5
    )
    assert round(history["slope"][-1], 1) == 6.1
    np.testing.assert_allclose(slopes(model), 1.1**20, rtol=1e-5)


def test_every_batch_and_a_bound():
    model = build()
    callback = SlopeAnnealing(2.0, every="batch", max_slope=10.0)
    history = fit(model, callback, epochs=2)
    np.testing.assert_allclose(slopes(model), [10.0])
    # The slope with which the last batch of each epoch was trained.
    np.testing.assert_allclose(history["slope"], [8.0, 10.0])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_train_step_sees_the_new_slope(jit_compile):
    model = build()
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit_compile)
    seen = []

    class Record(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["slope"])

    model.fit(
        X,
        X[:, :1],
        epochs=3,
        verbose=0,
        callbacks=[SlopeAnnealing(3.0), Record()],
    )
    np.testing.assert_allclose(seen, [1, 3, 9])
    np.testing.assert_allclose(slopes(model), [27.0])


def test_neurons_that_differ_log_the_largest_slope():
    model = build(1.0, 4.0)
    history = fit(model, SlopeAnnealing(2.0), epochs=2)
    np.testing.assert_allclose(history["slope"], [4, 8])
    np.testing.assert_allclose(slopes(model), [4, 16])


def test_nested_and_wrapped_neurons_are_found():
    inner = keras.Sequential([keras.layers.Dense(4), BinaryNeuron()])
    deep = keras.Sequential([keras.Sequential([inner])])
    wrapped = BinaryNeuron()
    inputs = keras.Input((4,))
    h = keras.layers.Reshape((2, 2))(deep(inputs))
    h = keras.layers.TimeDistributed(wrapped)(h)
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(h))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    fit(model, SlopeAnnealing(2.0), epochs=1)
    assert float(inner.layers[1].slope.value) == 2
    assert float(wrapped.slope.value) == 2


def test_training_goes_on_from_the_saved_slope(tmp_path):
    model = build()
    fit(model, SlopeAnnealing(2.0), epochs=2)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    history = fit(reloaded, SlopeAnnealing(2.0), epochs=1)
    np.testing.assert_allclose(history["slope"], [4])


def test_without_a_bound_the_slope_stays_finite():
    model = build()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = fit(model, SlopeAnnealing(100.0, every="batch"), epochs=3)
    assert slopes(model) == [1e6]
    assert np.isfinite(history["loss"]).all()


def test_a_slope_above_the_bound_stays():
    model = build(5.0)
    fit(model, SlopeAnnealing(1.5, max_slope=2.0), epochs=1)
    assert slopes(model) == [5.0]


def test_a_neuron_as_activation_is_found():
    neuron = BinaryNeuron()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1, activation=neuron)]
    )
    model.compile("sgd", "mse")
    fit(model, SlopeAnnealing(2.0), epochs=1)
    assert float(neuron.slope.value) == 2


@pytest.mark.parametrize("built", [True, False])
def test_a_model_without_a_neuron_is_refused(built):
    layers = [keras.Input((4,))] if built else []
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="Annealing expects.*BinaryNeuron"):
        fit(model, SlopeAnnealing())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"factor": 0}, "`factor`.*factor=0"),
        ({"every": "step"}, "every.*'batch'.*'step'"),
        ({"max_slope": -1}, "`max_slope`.*max_slope=-1"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        SlopeAnnealing(**arguments)


def test_replicas_anneal_too(two_replicas):
    with two_replicas.scope():
        model = build(1.0, 2.0)
    history = fit(model, SlopeAnnealing(1.5), epochs=2)
    np.testing.assert_allclose(history["slope"], [2.0, 3.0], rtol=1e-6)
