import keras
import numpy as np
import pytest

from keras_bp.metrics import EffectiveSNR

RNG = np.random.default_rng(0)


def blocks(snr_db, count=400, signals=1):
    x, noise = (
        RNG.normal(size=(count, 50, signals, 2)) @ [1, 1j] for _ in "ab"
    )
    y = x + noise * 10 ** (-snr_db / 20)
    y = y * np.exp(1j * RNG.uniform(-3, 3, size=(count, 1, signals)))
    return tuple(
        np.stack([z.real, z.imag], axis=-1)
        .reshape(count, 50, -1)
        .astype("float32")
        for z in (x, y)
    )


@pytest.mark.parametrize("signals", [1, 2])
def test_it_measures_the_ratio_that_was_added(signals):
    metric = EffectiveSNR()
    metric.update_state(*blocks(17.0, signals=signals))
    # The genie takes a hundredth of the noise along with the phase.
    expected = 17.0 + 10 * np.log10(1 / (1 - 1 / 100))
    assert abs(float(metric.result()) - expected) < 0.15


def test_energies_add_up_over_batches_and_reset():
    x, y = blocks(10.0)
    metric, parts = EffectiveSNR(), EffectiveSNR()
    metric.update_state(x, y)
    for start in range(0, 400, 150):
        parts.update_state(x[start : start + 150], y[start : start + 150])
    np.testing.assert_allclose(metric.result(), parts.result(), rtol=1e-5)
    parts.reset_state()
    parts.update_state(x[:1], 1.1 * x[:1])
    np.testing.assert_allclose(parts.result(), 20.0, rtol=1e-4)


def test_weights_choose_blocks():
    x, y = blocks(10.0, count=2)
    metric, alone = EffectiveSNR(), EffectiveSNR()
    metric.update_state(x, y, sample_weight=[0.0, 1.0])
    alone.update_state(x[1:], y[1:])
    np.testing.assert_allclose(metric.result(), alone.result(), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_it_works_in_compile(jit_compile):
    x, y = blocks(12.0)
    model = keras.Sequential([keras.Input((50, 2)), keras.layers.Identity()])
    model.compile(loss="mse", metrics=[EffectiveSNR()], jit_compile=jit_compile)
    found = model.evaluate(y, x, verbose=0, return_dict=True)
    assert abs(found["effective_snr"] - 12.04) < 0.15


def test_it_reloads():
    again = keras.metrics.deserialize(
        keras.metrics.serialize(EffectiveSNR(name="snr"))
    )
    assert isinstance(again, EffectiveSNR) and again.name == "snr"


@pytest.mark.parametrize("snr_db", [0.0, 25.0, 60.0])
def test_it_is_the_least_noise_over_all_phases(snr_db, compiled):
    x, y = blocks(snr_db, count=6, signals=2)
    found = EffectiveSNR()
    compiled(found.update_state)(x, y)
    sent, received = (
        np.float64(part).reshape(6, 50, 2, 2) @ [1, 1j] for part in (x, y)
    )
    signal, power = (np.sum(np.abs(z) ** 2, 1) for z in (sent, received))
    alike = np.abs(np.sum(received * np.conj(sent), axis=1))
    noise = np.sum(signal + power - 2 * alike)
    expected = -10 * np.log10(noise / np.sum(signal))
    # In float32 the closed form itself would be wrong by decibels at 60 dB.
    np.testing.assert_allclose(found.result(), expected, atol=1e-3)


def test_sums_are_single_precision_under_half_precision_models():
    x, y = blocks(20.0, count=300)
    metric = EffectiveSNR()
    metric.update_state(x.astype("float16"), y.astype("float16"))
    assert metric.noise.dtype == "float32"
    assert abs(float(metric.result()) - 20.04) < 0.15


def test_other_shapes_raise():
    with pytest.raises(ValueError, match="even number of channels"):
        EffectiveSNR().update_state(np.ones((2, 4, 3)), np.ones((2, 4, 3)))
    for shape in ((2, 4, 4), (2, 1, 2), (1, 4, 2), (4, 2)):
        with pytest.raises(ValueError, match="two tensors of one shape"):
            EffectiveSNR().update_state(np.ones(shape), np.ones((2, 4, 2)))


def test_what_is_missing_is_told_by_infinities():
    one, zero = np.ones((1, 4, 2)), np.zeros((1, 4, 2))
    for sent, received, expected in (
        (one, one, np.inf),
        (zero, one, -np.inf),
        (zero, zero, np.nan),
    ):
        metric = EffectiveSNR()
        metric.update_state(sent, received)
        np.testing.assert_equal(float(metric.result()), expected)
