import numpy as np
import pytest
import tensorflow as tf

from keras_bp.optics import FiberLink, edfa

LINK = FiberLink(noise_scaling=2.0)
SEEDS = np.stack([np.arange(50), np.arange(50) + 7], axis=-1)


def noise(polarizations=1, samples=600, **arguments):
    u = np.zeros((50, polarizations, samples), complex)
    return edfa(u, LINK, SEEDS, **arguments).numpy()


def test_the_noise_has_the_power_of_the_formula(compiled):
    u = tf.zeros((50, 2, 600), tf.complex128)
    n = compiled(lambda u: edfa(u, LINK, SEEDS))(u).numpy()
    rate = 10.7e9 * 6
    gain, planck, frequency = 10**1.6, 6.62607015e-34, 299792458 / 1550e-9
    spontaneous = 10**0.5 / 2 / (1 - 1 / gain)
    power = 2.0 * (gain - 1) * planck * frequency * spontaneous * rate
    size = n.size
    # |n|^2 is exponential: its standard error is power / sqrt(N).
    measured = np.mean(np.abs(n) ** 2)
    assert abs(measured - power) < 4 * power / np.sqrt(size)
    assert abs(np.mean(n**2)) < 4 * power / np.sqrt(size)
    cross = np.mean(n[:, 0] * np.conj(n[:, 1]))
    assert abs(cross) < 4 * power / np.sqrt(size / 2)


def test_the_noise_is_white():
    n = noise()
    spectrum = np.mean(np.abs(np.fft.fft(n)) ** 2, axis=(0, 1))
    each = 4.5 / np.sqrt(50)
    assert np.all(np.abs(spectrum / spectrum.mean() - 1) < each)


def test_a_block_has_the_noise_of_its_seed():
    n = noise()
    alone = edfa(np.zeros((1, 1, 600), complex), LINK, SEEDS[7:8])
    np.testing.assert_array_equal(alone[0], n[7])
    assert np.all(n[7] != n[8])


def test_the_gain_is_that_of_the_span():
    u = np.ones((1, 1, 4), complex)
    np.testing.assert_allclose(edfa(u, LINK), u * 10**0.8)
    quiet = FiberLink(noise_scaling=0.0)
    np.testing.assert_array_equal(edfa(u, quiet, SEEDS[:1]), edfa(u, quiet))


def test_the_rate_sets_the_power_of_the_noise():
    ratio = noise(sample_rate=128.4) / noise(sample_rate=64.2)
    np.testing.assert_allclose(np.abs(ratio), np.sqrt(2))
    with pytest.raises(ValueError, match="`sample_rate`"):
        noise(sample_rate=0.0)
