import keras
import numpy as np
import pytest

from keras_bp.callbacks import CoordinateClose, IncrementalFreeze, TapPrune
from keras_bp.losses import PhaseAlignedError
from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import DBPFormats, LearnedDBP, simulate


def compiled(model, learning_rate=1e-2, **kwargs):
    model.compile(
        keras.optimizers.Adam(learning_rate),
        PhaseAlignedError(),
        metrics=[EffectiveSNR()],
        **kwargs,
    )
    return model


def snr(model, blocks):
    metric = EffectiveSNR()
    metric.update_state(blocks[1], model(blocks[0]))
    return float(metric.result())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_beats_the_design_that_it_starts_from(
    short_link, blocks, jit_compile
):
    model = compiled(
        LearnedDBP(short_link, num_taps=5), jit_compile=jit_compile
    )
    before = snr(model, blocks)
    model.fit(*blocks, batch_size=10, epochs=15, verbose=0)
    test = simulate(short_link, 20, 64, seed=9)
    assert snr(model, test) > before + 2


@pytest.mark.slow
def test_two_polarizations_are_learned_together(dual_link, dual_blocks):
    model = compiled(LearnedDBP(dual_link, num_taps=5))
    before = snr(model, dual_blocks)
    model.fit(*dual_blocks, batch_size=10, epochs=15, verbose=0)
    assert snr(model, simulate(dual_link, 20, 64, seed=9)) > before + 1


def test_one_model_serves_all_powers(short_link):
    powers = (0.0, 2.0, 4.0)
    train = simulate(short_link, 60, 64, power=powers, seed=1)
    model = compiled(LearnedDBP(short_link, num_taps=5))
    tests = {
        power: simulate(short_link, 20, 64, power=power, seed=2)
        for power in powers
    }
    before = [snr(model, tests[power]) for power in powers]
    model.fit(*train, batch_size=10, epochs=15, verbose=0)
    after = [snr(model, tests[power]) for power in powers]
    assert np.all(np.subtract(after, before) > 1)


def test_what_is_trained_follows_the_arguments(short_link, blocks):
    def names(**arguments):
        model = LearnedDBP(short_link, num_taps=5, **arguments)
        model(blocks[0])
        return sorted({w.name for w in model.trainable_variables})

    kerr = "relative_coefficients"
    assert names() == ["output_gain", "taps"]
    assert names(train_kerr=True) == ["output_gain", kerr, "taps"]
    assert names(power_taps=3) == ["output_gain", kerr, "taps"]
    assert names(power_taps=3, train_kerr=False) == ["output_gain", "taps"]
    assert names(train_filters=False) == ["output_gain"]


def test_a_filtered_power_alone_can_be_learned(short_link, blocks):
    model = compiled(
        LearnedDBP(short_link, 41, train_filters=False, power_taps=5)
    )
    before = snr(model, blocks)
    model.fit(*blocks, batch_size=10, epochs=15, verbose=0)
    assert snr(model, blocks) > before + 0.3


@pytest.mark.slow
def test_a_short_model_is_pruned_closed_and_equal_after_reload(
    short_link, blocks, tmp_path
):
    formats = DBPFormats.of(7, 11, max_coefficient=0.2)
    model = compiled(LearnedDBP(short_link, 9, formats=formats), 3e-3)
    prune = TapPrune((5, 3), steps=40)
    model.fit(*blocks, 10, epochs=15, verbose=0, callbacks=[prune])
    freeze = IncrementalFreeze((0.5,), every=10)
    close = CoordinateClose(*blocks, every=5, start=10)
    logs = model.fit(
        *blocks, 10, epochs=10, verbose=0, callbacks=[freeze, close]
    ).history
    assert logs["held"][-1] > 0.8 and logs["scale_drift"][-1] < 0.6
    assert all(layer.tap_hold.held.all() for layer in model.fir_layers)
    assert logs["overflow"][-1] < 0.01
    short = model.pruned()
    assert short.num_taps == [5, 3, 5]
    y = model(blocks[0])
    np.testing.assert_array_equal(short(blocks[0]), y)
    for new, old in zip(short.fir_layers, model.fir_layers, strict=True):
        cut = (9 - new.num_taps) // 2
        np.testing.assert_array_equal(
            new.export_taps(), old.export_taps()[cut : 9 - cut]
        )
    short.save(tmp_path / "short.keras")
    again = keras.models.load_model(tmp_path / "short.keras")
    np.testing.assert_array_equal(again(blocks[0]), y)


def test_a_gain_that_drifts_is_seen_and_punished(short_link, blocks):
    model = LearnedDBP(
        short_link, 5, formats=DBPFormats.of(tap_bits=8), max_drift=0.2
    )
    compiled(model, 0.0)
    model(blocks[0])
    base = float(model.drift())
    for layer in model.fir_layers[:2]:
        layer.taps.assign(layer.taps * 2**-0.5)
    drift = float(model.drift())
    assert abs(drift - base - 1.0) < 0.3
    logs = model.evaluate(*blocks, verbose=0, return_dict=True)
    trained = model.train_on_batch(*blocks, return_dict=True)
    np.testing.assert_allclose(trained["scale_drift"], drift, rtol=1e-5)
    excess = (drift - 0.2) ** 2
    assert abs(trained["loss"] - logs["loss"] - excess) < 0.02


def test_a_drift_shows_without_training_too(short_link, blocks):
    model = LearnedDBP(short_link, 5, formats=DBPFormats.of(tap_bits=8))
    compiled(model)
    logs = model.evaluate(*blocks, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["scale_drift"], model.drift(), rtol=1e-5)


def test_noise_takes_the_place_of_rounding_while_it_trains(short_link, blocks):
    model = LearnedDBP(
        short_link, 5, formats=DBPFormats.of(6), tap_gradient="noise"
    )
    first, second = (model(blocks[0], training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(model(blocks[0]), model(blocks[0]))


@pytest.mark.parametrize("name", ["train_filters", "train_kerr"])
def test_what_is_trained_is_true_or_false(short_link, name):
    with pytest.raises(TypeError, match=f"`{name}` to be a boolean"):
        LearnedDBP(short_link, **{name: "no"})


def test_pruning_needs_a_built_model(short_link):
    with pytest.raises(ValueError, match="expects a built model"):
        LearnedDBP(short_link).pruned()
    with pytest.raises(ValueError, match="`max_drift` to be greater"):
        LearnedDBP(short_link, max_drift=0.0)
