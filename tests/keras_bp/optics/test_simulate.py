import dataclasses

import numpy as np
import pytest

from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import EDC, FiberLink, simulate

LINEAR = FiberLink.isit(num_spans=3, gamma=0.0)
QUIET = dataclasses.replace(LINEAR, noise_scaling=0.0)


def snr(link, samples, symbols):
    metric = EffectiveSNR()
    metric.update_state(symbols, EDC(link)(samples))
    return float(metric.result())


@pytest.mark.parametrize("polarizations", [1, 2])
def test_without_noise_and_kerr_effect_the_symbols_come_back(polarizations):
    link = dataclasses.replace(QUIET, polarizations=polarizations)
    samples, symbols = simulate(link, 3, 64, seed=1)
    assert samples.shape == (3, 128, 2 * polarizations)
    assert symbols.shape == (3, 64, 2 * polarizations)
    assert samples.dtype == symbols.dtype == "float32"
    assert snr(link, samples, symbols) > 90


@pytest.mark.parametrize("polarizations", [1, 2])
def test_the_linear_channel_has_the_noise_of_its_amplifiers(polarizations):
    link = dataclasses.replace(LINEAR, polarizations=polarizations)
    found = snr(link, *simulate(link, 240, 256, steps_per_span=1))
    expected = 10 * np.log10(link.reference_power / link.noise_power)
    # Signal and noise are sums of 240 * 256 exponentials: 0.025 dB.
    assert abs(found - expected) < 0.1


def test_power_scales_samples_and_symbols():
    arguments = {"num_blocks": 40, "symbols_per_block": 64, "seed": 2}
    x0, y0 = simulate(QUIET, **arguments)
    x3, y3 = simulate(QUIET, power=3.0, **arguments)
    np.testing.assert_allclose(y3, y0 * 10**0.15, rtol=1e-6)
    np.testing.assert_allclose(x3, x0 * 10**0.15, rtol=1e-3, atol=1e-4)
    _, mixed = simulate(QUIET, power=[-3.0, 3.0], **arguments)
    ratio = np.sum(mixed**2, axis=(1, 2)) / np.sum(y0**2, axis=(1, 2))
    high = np.isclose(ratio, 10**0.3, rtol=0.5) & (ratio > 1)
    assert 5 < high.sum() < 35


def test_a_block_depends_on_the_seed_and_its_number_alone():
    link = FiberLink(num_spans=2)
    all_x, all_y = simulate(link, 5, 32, seed=3, batch_size=5)
    x, y = simulate(link, 3, 32, seed=3, batch_size=2, first_block=1)
    np.testing.assert_array_equal(y, all_y[1:4])
    np.testing.assert_allclose(x, all_x[1:4], rtol=0, atol=1e-5)
    other, _ = simulate(link, 5, 32, seed=4)
    assert not np.any(np.isclose(other, all_x).all(axis=(1, 2)))
    assert len(np.unique(all_y[:, 0, 0])) == 5


def test_neighbors_disturb_by_the_kerr_effect_alone():
    wide = dataclasses.replace(
        QUIET,
        num_channels=3,
        channel_spacing=20.0,
        simulation_samples_per_symbol=8,
    )
    samples, symbols = simulate(wide, 2, 64)
    assert snr(wide, samples, symbols) > 80
    strong = dataclasses.replace(wide, gamma=1.3, launch_power=6.0)
    alone = dataclasses.replace(strong, num_channels=1, channel_spacing=None)
    with_neighbors = snr(strong, *simulate(strong, 20, 64))
    without = snr(alone, *simulate(alone, 20, 64))
    assert with_neighbors < without - 0.5


def test_single_precision_is_enough():
    link = FiberLink.isit(num_spans=4, noise_scaling=0.0)
    single, _ = simulate(link, 2, 64)
    double, _ = simulate(link, 2, 64, dtype="complex128")
    error = np.linalg.norm(single - double) / np.linalg.norm(double)
    assert error < 1e-5


def test_qam_is_sent_on_its_points():
    _, symbols = simulate(QUIET, 2, 64, modulation=16)
    assert len(np.unique(symbols.round(5))) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"link": "isit"}, TypeError, "FiberLink"),
        ({"num_blocks": 0}, ValueError, "`num_blocks` to be 1 or greater"),
        ({"num_blocks": 1.0}, TypeError, "integer"),
        ({"seed": -1}, ValueError, "`seed` to be 0 or greater"),
        ({"power": 1e3}, ValueError, "`power` in dBm"),
        ({"power": float("nan")}, ValueError, "finite"),
        ({"power": []}, ValueError, "`power` of one number or more"),
        ({"rule": "equal"}, ValueError, "`rule` to be one of"),
        ({"dtype": "float32"}, ValueError, "`dtype` to be one of"),
        ({"modulation": 32}, ValueError, "`order` to be one of"),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    with pytest.raises(error, match=words):
        simulate(**({"link": QUIET, "num_blocks": 1} | arguments))
