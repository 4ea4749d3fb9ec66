import dataclasses

import numpy as np
import pytest

from keras_bp.optics import FiberLink, align_phase, receiver

LINK = FiberLink(samples_per_symbol=2, simulation_samples_per_symbol=6)
RNG = np.random.default_rng(0)


def tone(cycles, samples):
    return np.exp(2j * np.pi * cycles * np.arange(samples) / samples)


@pytest.mark.parametrize("cycles", [0, 3, -7, 15])
def test_a_tone_in_the_band_is_resampled(cycles):
    out = receiver(tone(cycles, 96)[None, None], LINK)
    np.testing.assert_allclose(out[0, 0], tone(cycles, 32), atol=1e-12)


@pytest.mark.parametrize("cycles", [17, -20, 40])
def test_a_tone_beyond_the_new_band_is_gone(cycles):
    out = receiver(tone(cycles, 96)[None, None], LINK)
    np.testing.assert_allclose(out, 0, atol=1e-12)


def test_the_low_pass_cuts_at_half_its_width():
    # 32 samples at 21.4 GHz: lines 0.66875 GHz apart.
    narrow = dataclasses.replace(LINK, receiver_bandwidth=10.7)
    kept, gone = tone(8, 96), tone(9, 96)
    out = receiver((kept + gone)[None, None], narrow)
    np.testing.assert_allclose(out[0, 0], tone(8, 32), atol=1e-12)


def test_half_a_symbol_raises():
    with pytest.raises(ValueError, match="multiple of 6"):
        receiver(np.ones((1, 1, 97), complex), LINK)


def test_the_genie_takes_off_one_phase_per_block():
    sent = RNG.normal(size=(4, 2, 50, 2)) @ [1, 1j]
    phases = np.exp(1j * RNG.uniform(-3, 3, size=(4, 2, 1)))
    np.testing.assert_allclose(align_phase(sent * phases, sent), sent)
    noisy = sent + 0.3 * (RNG.normal(size=(4, 2, 50, 2)) @ [1, 1j])
    found = align_phase(noisy * phases, sent)
    best = np.sum(np.abs(found - sent) ** 2, axis=-1)
    for angle in (-0.01, 0.01):
        other = np.sum(np.abs(found * np.exp(1j * angle) - sent) ** 2, axis=-1)
        assert np.all(other > best)
