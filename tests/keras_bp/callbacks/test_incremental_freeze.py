import keras
import numpy as np
import pytest

from keras_bp.callbacks import IncrementalFreeze, TapPrune
from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint

X = np.random.default_rng(0).normal(size=(32, 32, 1)).astype("float32")
Y = np.roll(0.37 * X, 1, axis=1) - 0.21 * X


FORM = FixedPoint(4, 3)


def make(tap_format=FORM, layers=1, learning_rate=0.01):
    model = keras.Sequential([keras.Input((32, 1))])
    for _ in range(layers):
        model.add(
            QuantizedFIR(
                1, 5, tap_format, None, complex=False, padding="circular"
            )
        )
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    return model


def fit(model, callbacks, epochs=4, **kwargs):
    return model.fit(
        X, Y, 8, epochs=epochs, verbose=0, callbacks=callbacks, **kwargs
    ).history


class Watch(keras.callbacks.Callback):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        taps = self.layer.quantized_taps(training=True).numpy().ravel()
        self.seen.append((self.layer.tap_hold.held.ravel(), taps))


@pytest.mark.parametrize("order", ["nearest", "largest", "random"])
def test_shares_are_held_on_time_and_never_move_again(order):
    model = make()
    watch = Watch(model.layers[0])
    freeze = IncrementalFreeze((0.4, 0.8, 1.0), every=4, start=2, order=order)
    logs = fit(model, [freeze, watch])
    counts = [held.sum() for held, _ in watch.seen]
    # Held after step 2, 6 and 10; 16 steps in all.
    assert counts == [0] * 1 + [2] * 4 + [4] * 4 + [5] * 7
    for (held, taps), (_, later) in zip(
        watch.seen, watch.seen[1:], strict=False
    ):
        np.testing.assert_array_equal(taps[held], later[held])
        np.testing.assert_array_equal(taps[held] * 8, np.rint(taps[held] * 8))
    free = ~watch.seen[2][0]
    assert np.any(watch.seen[2][1][free] * 8 % 1 != 0), "free taps are rounded"
    assert logs["held"][-1] == 1.0


def test_the_order_says_what_is_held_first():
    for order, expected in (
        ("nearest", [1, 3]),
        ("largest", [0, 2]),
    ):
        model = make(learning_rate=0.0)
        layer = model.layers[0]
        layer.taps.assign(
            np.array([0.56, 0.13, -0.70, 0.26, 0.07]).reshape(-1, 1, 1)
        )
        fit(model, [IncrementalFreeze((0.4,), order=order)], epochs=1)
        assert np.flatnonzero(layer.tap_hold.held).tolist() == expected


def test_when_training_ends_the_rest_is_rounded():
    model = make()
    fit(model, [IncrementalFreeze((0.4,))], epochs=1)
    layer = model.layers[0]
    assert float(layer.tap_hold.round_free) == 1.0
    assert layer.tap_hold.held.sum() == 2
    np.testing.assert_array_equal(
        layer.quantized_taps().numpy() * 8, layer.export_taps()
    )


def test_pruned_taps_stay_and_do_not_count():
    model = make()
    prune = TapPrune(3, steps=1)
    fit(model, [prune], epochs=1)
    logs = fit(model, [IncrementalFreeze((0.67,), every=1)], epochs=1)
    taps = model.layers[0].export_taps().ravel()
    assert taps[0] == taps[4] == 0
    assert model.layers[0].tap_hold.held.sum() == 2 + 2
    assert logs["held"][-1] == pytest.approx(4 / 5)


def test_several_layers_share_the_count():
    model = make(layers=2)
    fit(model, [IncrementalFreeze((0.5,), every=1)], epochs=1)
    assert sum(x.tap_hold.held.sum() for x in model.layers) == 5
    alone = make(layers=2)
    fit(alone, [IncrementalFreeze(layers=alone.layers[1:], every=1)], epochs=2)
    assert not alone.layers[0].tap_hold.held.any()
    assert alone.layers[1].tap_hold.held.all()


def test_steps_are_counted_in_executions_of_several():
    model = make()
    model.compile("adam", "mse", steps_per_execution=3)
    watch = Watch(model.layers[0])
    fit(model, [IncrementalFreeze((0.4, 1.0), every=4), watch], epochs=2)
    counts = [held.sum() for held, _ in watch.seen]
    # Steps 3, 4, 7 and 8; as many executions would be four.
    assert counts == [2, 5, 5, 5]


@pytest.mark.slow
def test_it_beats_rounding_at_once_on_coarse_taps():
    losses = {}
    for name in ("freeze", "round"):
        model = make(FixedPoint(3, 2), layers=3, learning_rate=0.03)
        rng = np.random.default_rng(1)
        for layer in model.layers:
            layer.taps.assign(0.3 * rng.normal(size=(5, 1, 1)))
        if name == "freeze":
            shares = np.linspace(0.2, 1, 9)
            fit(model, [IncrementalFreeze(shares, every=8)], epochs=20)
        else:
            real = make(None, layers=3, learning_rate=0.03)
            for layer, start in zip(real.layers, model.layers, strict=True):
                layer.taps.assign(start.taps)
            fit(real, [], epochs=20)
            for layer, trained in zip(model.layers, real.layers, strict=True):
                layer.taps.assign(trained.taps)
        losses[name] = np.mean((model(X) - Y) ** 2)
    assert losses["freeze"] < losses["round"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"shares": ()}, ValueError, "`shares` to increase"),
        ({"shares": (0.5, 0.4)}, ValueError, "`shares` to increase"),
        ({"shares": (0.5, 1.5)}, ValueError, "`shares` to increase"),
        ({"every": 0}, ValueError, "`every` to be 1 or greater"),
        ({"start": -1}, ValueError, "`start` to be 0 or greater"),
        ({"order": "best"}, ValueError, "`order` to be one of"),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    with pytest.raises(error, match=words):
        IncrementalFreeze(**arguments)


def test_a_model_without_rounded_filters_raises():
    dense = keras.Sequential([keras.Input((32, 1)), keras.layers.Dense(1)])
    dense.compile("sgd", "mse")
    with pytest.raises(ValueError, match="holds a keras_bp.layers.Quant"):
        fit(dense, [IncrementalFreeze()])
    with pytest.raises(ValueError, match="`tap_format` of a fixed scale"):
        fit(make(None), [IncrementalFreeze()])
