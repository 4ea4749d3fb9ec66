import numpy as np
import pytest

from keras_bp.metrics import generalized_mutual_information as gmi
from keras_bp.metrics import generalized_mutual_information as subject
from keras_bp.optics import Constellation

RNG = np.random.default_rng(0)


def over_noise(order, snr_db, symbols=40_000):
    qam = Constellation(order)
    sent = RNG.integers(order, size=symbols)
    noise = RNG.normal(size=(symbols, 2)) @ [1, 1j]
    y = qam.points[sent] + noise * np.sqrt(10 ** (-snr_db / 10) / 2)
    return y, sent, qam.points, qam.labels


def by_quadrature(order, snr_db):
    """Bit-wise information of one axis, by Gauss-Hermite integration."""
    side = int(np.sqrt(order))
    qam = Constellation(order)
    levels = np.unique(qam.points.real.round(12))
    bits = side.bit_length() - 1
    labels = (np.arange(side) ^ (np.arange(side) >> 1))[:, None] >> np.arange(
        bits
    ) & 1
    deviation = np.sqrt(10 ** (-snr_db / 10) / 2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    y = levels[:, None] + deviation * nodes
    likely = np.exp(-((y[..., None] - levels) ** 2) / (2 * deviation**2))
    loss = 0.0
    for bit in labels.T:
        same = np.sum(likely * (bit == bit[:, None])[:, None], axis=-1)
        ratio = np.log2(np.sum(likely, axis=-1) / same)
        loss += np.mean(ratio @ weights) / np.sqrt(2 * np.pi)
    return 2 * (bits - loss)


@pytest.mark.parametrize(("order", "snr_db"), [(4, 3), (16, 10), (64, 12)])
def test_it_equals_the_integral_in_gaussian_noise(order, snr_db):
    found = gmi(*over_noise(order, snr_db))
    # Forty thousand symbols of about one bit of spread.
    assert abs(found - by_quadrature(order, snr_db)) < 0.025


def test_half_rate_on_two_binary_signals_needs_the_known_ratio():
    # The Shannon limit of binary signals at rate 1/2: Eb/N0 = 0.187 dB.
    assert abs(by_quadrature(4, 0.187) - 1.0) < 1e-4
    assert abs(gmi(*over_noise(4, 0.187, symbols=400_000)) - 1.0) < 0.006


def test_points_too_far_to_be_seen_keep_their_digits():
    points, labels = np.array([-1.0, 1.0, 3.0]), np.array([[0], [1], [1]])
    # Exponents of 0 and -4 / 0.001 = -4000, which float64 takes for 0.
    found = gmi(np.array([1.0]), np.array([0]), points, labels, 1e-3)
    np.testing.assert_allclose(found, 1 - 4000 / np.log(2), rtol=1e-12)


def test_it_ends_at_all_bits_and_at_none():
    assert gmi(*over_noise(64, 60.0)) == pytest.approx(6.0, abs=1e-9)
    assert abs(gmi(*over_noise(16, -30.0))) < 0.02
    y, sent, points, labels = over_noise(16, 300.0, symbols=100)
    assert gmi(points[sent], sent, points, labels) == 4.0


def test_a_wrong_noise_power_loses_information():
    y, sent, points, labels = over_noise(16, 12.0)
    right = gmi(y, sent, points, labels)
    for factor in (0.2, 5.0):
        assert gmi(y, sent, points, labels, factor * 10**-1.2) < right


def test_parts_of_a_long_signal_add_up(monkeypatch):
    import sys

    module = sys.modules[subject.__module__]
    arguments = over_noise(16, 10.0, symbols=1000)
    whole = gmi(*arguments)
    monkeypatch.setattr(module, "_CHUNK", 16 * 77)
    assert gmi(*arguments) == pytest.approx(whole, abs=1e-12)


def test_wrong_arguments_raise():
    y, sent, points, labels = over_noise(4, 10.0, symbols=10)
    with pytest.raises(ValueError, match="as many labels as points"):
        gmi(y, sent, points[:3], labels)
    with pytest.raises(ValueError, match="as many received as sent"):
        gmi(y[:5], sent, points, labels)
    for wrong in (sent - 4, sent + 4, sent.astype(float)):
        with pytest.raises(ValueError, match="`sent_indices`.* 0 to 3"):
            gmi(y, wrong, points, labels)
    with pytest.raises(ValueError, match="`labels` to hold 0 and 1"):
        gmi(y, sent, points, 2 * labels - 1)
    with pytest.raises(ValueError, match="`noise_power` to be greater than"):
        gmi(y, sent, points, labels, noise_power=0.0)
