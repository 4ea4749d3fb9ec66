import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.callbacks.backdrop_rate_schedule import BackdropRateSchedule
from keras_bp.layers import BackdropMask

X = np.ones((8, 2), "float32")


def network(jit_compile=False, rate=0.25):
    """Two masks, one of them in a model inside the model."""
    inner = keras.Sequential(
        [keras.Input((2,)), BackdropMask(rate, seed=0, name="inner")],
        name="part",
    )
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2),
            inner,
            BackdropMask(rate, "element", seed=1, name="outer"),
        ]
    )
    model.compile("sgd", loss="mse", jit_compile=jit_compile)
    return model


def rates(model):
    layers = model.get_layer("part").get_layer("inner"), model.layers[-1]
    return [float(layer.rate) for layer in layers]


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ({}, [0.8, 0.6, 0.4, 0.2, 0.2]),
        (
            {"curve": "cosine"},
            [0.8, 0.5 + 0.3 * 0.5, 0.5 - 0.3 * 0.5, 0.2, 0.2],
        ),
        (
            {"curve": "exponential"},
            [0.8, 0.8 * 4 ** (-1 / 3), 0.8 * 4 ** (-2 / 3), 0.2, 0.2],
        ),
        ({"schedule": lambda time: time / 10}, [0, 0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_each_curve_goes_to_the_final_rate_and_stays(arguments, want):
    schedule = BackdropRateSchedule(0.8, 0.2, duration=3, **arguments)
    found = [schedule.rate(time) for time in range(5)]
    np.testing.assert_allclose(found, want, rtol=1e-12)


def test_epochs_set_the_rate_of_every_mask_before_they_train():
    model = network()
    anneal = BackdropRateSchedule(0.75, 0.25, duration=2)
    logs = model.fit(X, X, epochs=4, verbose=0, callbacks=[anneal]).history
    assert logs["backdrop_rate"] == [0.75, 0.5, 0.25, 0.25]
    assert rates(model) == [0.25, 0.25]


def test_batches_count_the_steps_of_the_optimizer_and_go_on():
    model = network()
    anneal = BackdropRateSchedule(0.75, 0.0, duration=12, every="batch")
    for steps in (4, 8):
        logs = model.fit(
            X, X, batch_size=2, verbose=0, callbacks=[anneal]
        ).history
        # The last of these batches, after one less.
        want = 0.75 * (1 - (steps - 1) / 12)
        np.testing.assert_allclose(logs["backdrop_rate"], [want], rtol=1e-6)
        np.testing.assert_allclose(rates(model), [want, want], rtol=1e-6)


def test_a_resumed_training_goes_on():
    model = network()
    anneal = BackdropRateSchedule(0.75, 0.25, duration=4)
    model.fit(X, X, epochs=4, initial_epoch=3, verbose=0, callbacks=[anneal])
    np.testing.assert_allclose(rates(model), [0.375, 0.375])


def test_masks_can_get_a_schedule_each():
    model = network()
    callbacks = [
        BackdropRateSchedule(0.5, layer_name="inner"),
        BackdropRateSchedule(schedule=lambda t: 0.75, layer_name="outer"),
    ]
    logs = model.fit(X, X, verbose=0, callbacks=callbacks).history
    assert rates(model) == [0.5, 0.75]
    assert logs["backdrop_rate/inner"] == [0.5]
    assert logs["backdrop_rate/outer"] == [0.75]
    assert "backdrop_rate" not in logs


def test_a_step_compiled_by_xla_reads_the_new_rate():
    # The weight moves by the share of samples that survive.
    dense = keras.layers.Dense(1, use_bias=False)
    mask = BackdropMask(0.0, scale="none", seed=0)
    model = keras.Sequential([keras.Input((1,)), dense, mask])
    model.compile(
        keras.optimizers.SGD(1.0),
        loss=lambda y, z: -tf.reduce_mean(z),
        jit_compile=True,
    )
    x = np.ones((2000, 1), "float32")
    moved = []
    for rate in (0.0, 0.9):
        dense.kernel.assign([[0.0]])
        anneal = BackdropRateSchedule(schedule=lambda time, rate=rate: rate)
        model.fit(x, x, batch_size=2000, verbose=0, callbacks=[anneal])
        moved.append(float(dense.kernel[0, 0]))
    np.testing.assert_allclose(moved[0], 1.0, rtol=1e-6)
    # Four standard errors of the share that survives.
    assert abs(moved[1] - 0.1) < 4 * math.sqrt(0.09 / 2000)


def test_a_model_built_by_its_first_batch_trains_it_with_its_own_rate():
    model = keras.Sequential([keras.layers.Dense(2), BackdropMask(0.25)])
    model.compile("sgd", "mse")
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(model.layers[-1].rate))

    callbacks = [Watch(), BackdropRateSchedule(0.5)]
    model.fit(X, X, batch_size=4, verbose=0, callbacks=callbacks)
    assert seen == [0.25, 0.5]


@pytest.mark.parametrize("layer_name", [None, "outer"])
def test_a_model_without_the_mask_is_refused(layer_name):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    if layer_name:
        model.add(BackdropMask(0.5, name="another"))
    model.compile("sgd", "mse")
    words = "layers.BackdropMask" + (" of the name 'outer'" * bool(layer_name))
    with pytest.raises(ValueError, match=words):
        model.fit(
            X,
            X,
            verbose=0,
            callbacks=[BackdropRateSchedule(layer_name=layer_name)],
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"initial": 1.0}, r"initial.*\[0, 1\)"),
        ({"final": -0.1}, r"final.*\[0, 1\)"),
        ({"duration": 0}, "duration"),
        ({"curve": "step"}, "curve.*'cosine'.*'step'"),
        ({"curve": "exponential"}, "final.*greater than zero.*0.0"),
        ({"every": "year"}, "every"),
    ],
)
def test_wrong_numbers_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        BackdropRateSchedule(**arguments)


@pytest.mark.parametrize("rate", [1.0, -0.5, None, math.nan])
def test_a_wrong_schedule_is_refused(rate):
    with pytest.raises(ValueError, match=r"in \[0, 1\).*at 3"):
        BackdropRateSchedule(schedule=lambda time: rate).rate(3)
    with pytest.raises(TypeError, match="to be a function or None"):
        BackdropRateSchedule(schedule=0.5)
