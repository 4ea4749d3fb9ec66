import keras
import numpy as np
import pytest

from keras_bp.callbacks import TapPrune
from keras_bp.layers import QuantizedFIR

X = np.random.default_rng(0).normal(size=(32, 32, 2)).astype("float32")


def make(lengths=(9, 9), symmetric=True):
    model = keras.Sequential([keras.Input((32, 2))])
    for length in lengths:
        model.add(
            QuantizedFIR(
                1,
                length,
                None,
                None,
                symmetric=symmetric,
                padding="circular",
                tap_initializer="glorot_uniform",
            )
        )
    model.compile("adam", "mse")
    return model


def fit(model, callback, epochs=4):
    return model.fit(
        X, X, 4, epochs=epochs, verbose=0, callbacks=[callback]
    ).history


def lengths(model):
    return [
        int(np.sum(np.any(np.asarray(x.quantized_taps()) != 0, axis=(1, 2, 3))))
        for x in model.layers
    ]


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_outer_taps_go_to_alternating_lengths(symmetric):
    model = make((9, 9, 9), symmetric)
    logs = fit(model, TapPrune((5, 3), steps=20))
    assert lengths(model) == [5, 3, 5]
    for layer, kept in zip(model.layers, (5, 3, 5), strict=True):
        taps = np.asarray(layer.quantized_taps())[:, 0, 0]
        cut = (9 - kept) // 2
        assert not taps[:cut].any() and not taps[9 - cut :].any()
        assert np.all(taps[cut : 9 - cut] != 0)
    np.testing.assert_allclose(logs["mean_taps"][-1], 13 / 3)


def test_pairs_go_one_at_a_time_outermost_first():
    model = make((9, 7))

    class Watch(keras.callbacks.Callback):
        seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append(
                (
                    self.model.optimizer.iterations,
                    logs["mean_taps"],
                    lengths(model),
                )
            )

    prune = TapPrune(3, steps=10, start=4)
    model.fit(X, X, 4, epochs=4, verbose=0, callbacks=[prune, Watch()])
    found = [pair for _, _, pair in Watch.seen]
    # Pairs 0 of both layers, then pairs 1, then pair 2 of the longer one.
    totals = [sum(pair) for pair in found]
    assert totals[:5] == [16] * 5 and totals[-1] == 6
    assert set(np.diff(totals)) <= {0, -2}
    assert [4 + 10 * k // 5 - 1 for k in range(1, 6)] == [
        int(np.flatnonzero(np.array(totals) == 16 - 2 * k)[0])
        for k in range(1, 6)
    ]
    assert found[7] == [7, 5]
    assert found[-1] == [3, 3]


def test_a_second_run_goes_on_from_what_is_pruned():
    model = make((9,))
    fit(model, TapPrune(7, steps=2))
    fit(model, TapPrune(5, steps=2))
    assert lengths(model) == [5]


def test_a_target_that_fits_no_layer_raises():
    for target in (8, 11):
        with pytest.raises(ValueError, match="smaller by pairs.*of 9 taps"):
            fit(make((9,)), TapPrune(target, steps=2))


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="`target_taps` to be 1 or greater"):
        TapPrune((5, 0), steps=2)
    with pytest.raises(TypeError, match="`steps` to be an integer"):
        TapPrune(5, steps=2.5)
    dense = keras.Sequential([keras.Input((32, 2)), keras.layers.Dense(2)])
    dense.compile("sgd", "mse")
    with pytest.raises(ValueError, match="holds a keras_bp.layers.Quant"):
        fit(dense, TapPrune(3, steps=2))
