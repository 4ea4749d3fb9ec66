import itertools

import keras
import numpy as np
import pytest

from keras_bp.callbacks import CoordinateClose, IncrementalFreeze
from keras_bp.callbacks._pair_search import PairSearch
from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint, signed_digits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 32, 1)).astype("float32")
# Neighboring samples alike, so that the best rounding is not tap by tap.
X = X + np.roll(X, 1, axis=1) + np.roll(X, 2, axis=1)
TARGET = np.array([0.31, -0.44, 0.57])
Y = sum(tap * np.roll(X, k - 1, axis=1) for k, tap in enumerate(TARGET))
FORM = FixedPoint(4, 2)


def make(tap_format=FORM):
    layer = QuantizedFIR(
        1, 3, tap_format, None, complex=False, padding="circular"
    )
    model = keras.Sequential([keras.Input((32, 1)), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


def fit(model, callbacks, epochs=40):
    return model.fit(
        X, Y, 8, epochs=epochs, verbose=0, callbacks=callbacks
    ).history


def losses():
    """A function from integers to the loss of a model with such taps."""
    model = make()

    def loss_of(integers):
        taps = np.reshape(integers, (3, 1, 1)) * FORM.step
        model.layers[0].taps.assign(taps)
        return np.mean((model(X) - Y) ** 2)

    return loss_of


def test_no_move_of_one_part_or_two_is_better_in_the_end():
    model = make()
    close = CoordinateClose(X, Y, every=5, start=40, sweeps=4)
    # Few epochs, of which each costs by itself.
    x, y = (np.tile(a, (10, 1, 1)) for a in (X, Y))
    logs = model.fit(x, y, 8, epochs=4, verbose=0, callbacks=[close]).history
    found = model.layers[0].export_taps().ravel()
    loss_of = losses()
    least = loss_of(found)
    moves = [
        move
        for move in itertools.product((-1, 0, 1), repeat=3)
        if 0 < np.count_nonzero(move) < 3
    ]
    assert min(loss_of(found + np.array(move)) for move in moves) > least
    # Rounding tap by tap is worse here.
    assert least < loss_of(np.rint(TARGET * 4))
    assert logs["held"][-1] == 1.0
    np.testing.assert_allclose(
        close.loss, model.evaluate(X, Y, verbose=0), rtol=1e-4
    )


@pytest.mark.parametrize("order", ["nearest", "farthest"])
def test_parts_close_one_at_a_time(order):
    model = make()
    counts = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            counts.append(int(model.layers[0].tap_hold.held.sum()))

    close = CoordinateClose(X, Y, every=3, start=2, order=order, sweeps=0)
    fit(model, [close, Watch()], epochs=8)
    assert counts == [0] * 4 + [1] * 3 + [2] * 3 + [3] * 6


def test_what_training_leaves_is_closed_at_its_end():
    model = make()
    fit(model, [CoordinateClose(X, Y, every=1000)], epochs=2)
    layer = model.layers[0]
    assert layer.tap_hold.held.all() and float(layer.tap_hold.round_free) == 1
    np.testing.assert_array_equal(
        layer.export_taps() * FORM.step, layer.tap_hold.value
    )


def test_it_closes_what_the_freeze_has_left():
    model = make()
    freeze = IncrementalFreeze((0.34,), start=4)
    close = CoordinateClose(X, Y, every=4, start=20)
    logs = fit(model, [freeze, close], epochs=20)
    # Two steps an epoch.
    assert logs["held"][0] == 0.0
    assert logs["held"][4] == pytest.approx(1 / 3)
    assert logs["held"][-1] == 1.0


def test_few_digits_close_to_allowed_neighbors():
    model = make(FixedPoint(6, 5, max_digits=1))
    fit(model, [CoordinateClose(X, Y, every=5, start=20, sweeps=2)], epochs=30)
    taps = model.layers[0].export_taps()
    assert signed_digits(taps).max() == 1


def test_the_search_moves_two_parts_where_one_alone_is_worse():
    # A valley along (1, -1): each single step climbs its wall.
    model = make()
    layer = model.layers[0]
    layer.tap_hold.hold(np.ones((3, 1, 1), bool), np.zeros((3, 1, 1)))
    at = np.array([3.0, -3.0, 1.0])
    wall = np.array([1.0, 1.0, 0.1])
    along = np.array([1.0, -1.0, 0.0])

    def q():
        return np.asarray(layer.tap_hold.value).ravel() / FORM.step

    def loss():
        d = q() - at
        return 50 * (wall @ d) ** 2 + (along @ d) ** 2 + d[2] ** 2

    def gradients():
        d = q() - at
        g = 100 * (wall @ d) * wall + 2 * (along @ d) * along
        g[2] += 2 * d[2]
        return [g.reshape(3, 1, 1) / FORM.step]

    layer.tap_hold.value.assign(np.array([1, -1, 1]).reshape(3, 1, 1) * 0.25)
    assert PairSearch([layer], loss, gradients).sweep() == 2
    np.testing.assert_array_equal(q(), at)


def test_pruned_taps_stay_pruned_and_a_tap_that_rounds_to_zero_moves():
    model = make()
    layer = model.layers[0]
    layer.tap_hold.prune(np.array([True, False, False]).reshape(3, 1, 1))
    layer.taps.assign(np.array([0.3, 0.0, 0.0]).reshape(3, 1, 1))
    model.compile(keras.optimizers.Adam(0.0), "mse")
    fit(model, [CoordinateClose(X, Y, every=2, sweeps=4)], epochs=4)
    taps = layer.export_taps().ravel()
    assert taps[0] == 0 and taps[1] != 0 and taps[2] != 0


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"every": 0}, ValueError, "`every` to be 1 or greater"),
        ({"start": 1.5}, TypeError, "`start` to be an integer"),
        ({"sweeps": -1}, ValueError, "`sweeps` to be 0 or greater"),
        ({"order": "random"}, ValueError, "`order` to be one of"),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    with pytest.raises(error, match=words):
        CoordinateClose(X, Y, **arguments)
