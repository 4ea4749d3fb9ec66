import numpy as np
import pytest

from keras_bp.metrics import qam_bit_error_rate
from keras_bp.optics import Constellation, draw_symbols

every_order = pytest.mark.parametrize("order", [4, 16, 64, 256])


@every_order
def test_points_have_mean_power_one_and_labels_are_all_numbers(order):
    qam = Constellation(order)
    np.testing.assert_allclose(np.mean(np.abs(qam.points) ** 2), 1.0)
    assert len(set(qam.points)) == order
    numbers = qam.labels @ (1 << np.arange(qam.bits_per_symbol))
    assert sorted(numbers) == list(range(order))


@every_order
def test_neighbors_differ_in_one_bit(order):
    qam = Constellation(order)
    distance = np.abs(qam.points[:, None] - qam.points)
    least = np.min(distance[distance > 0])
    near = np.isclose(distance, least)
    bits = np.sum(qam.labels[:, None] != qam.labels, axis=-1)
    assert near.sum() == 4 * (order - np.sqrt(order))
    assert np.all(bits[near] == 1)


@every_order
def test_the_decision_is_the_nearest_point(order):
    qam = Constellation(order)
    y = np.random.default_rng(0).normal(size=(3, 400, 2)) @ [1, 1j]
    nearest = np.abs(y[..., None] - qam.points).argmin(axis=-1)
    np.testing.assert_array_equal(qam.decide(y), nearest)


@pytest.mark.parametrize(("order", "snr_db"), [(16, 14.0), (64, 18.0)])
def test_counted_errors_in_gaussian_noise_are_those_of_theory(order, snr_db):
    qam, rng = Constellation(order), np.random.default_rng(0)
    sent = rng.integers(order, size=200_000)
    noise = rng.normal(size=(sent.size, 2)) @ [1, 1j]
    y = qam.points[sent] + noise * np.sqrt(10 ** (-snr_db / 10) / 2)
    errors = qam.bit_errors(qam.decide(y), sent)
    expected = qam_bit_error_rate(order, snr_db) * sent.size
    expected = expected * qam.bits_per_symbol
    assert expected > 1000
    assert abs(errors - expected) < 4.5 * np.sqrt(expected)


@pytest.mark.parametrize("modulation", ["gaussian", 4, "64", 256])
def test_drawn_symbols_have_power_one_and_are_circular(modulation):
    x = draw_symbols(modulation, (100, 500), np.random.default_rng(0))
    assert x.shape == (100, 500)
    # Four standard errors of at most 1 / sqrt(N).
    assert abs(np.mean(np.abs(x) ** 2) - 1) < 4 / np.sqrt(x.size)
    assert abs(np.mean(x**2)) < 4 / np.sqrt(x.size)
    if modulation != "gaussian":
        assert len(np.unique(x.round(9))) == int(modulation)


def test_other_orders_and_names_raise():
    with pytest.raises(ValueError, match="`order` to be one of"):
        Constellation(32)
    with pytest.raises(ValueError, match="`modulation` to be one of"):
        draw_symbols("psk", (2,), np.random.default_rng(0))


def test_an_order_is_an_integer():
    qam = Constellation(np.int64(16))
    assert type(qam.order) is int and qam.bits_per_symbol == 4
    assert qam == Constellation(16)
    with pytest.raises(TypeError, match="`order` to be an integer"):
        Constellation(16.0)


def test_no_point_is_near_what_is_not_finite():
    for bad in (np.nan, np.inf, 1j * np.inf):
        with pytest.raises(ValueError, match="finite samples. Received: 1 "):
            Constellation(4).decide(np.array([1 + 1j, bad]))
