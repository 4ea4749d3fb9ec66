import dataclasses

import numpy as np
import pytest

from keras_bp.datasets import DispersiveLink


def snr_db(received, sent):
    error = (np.asarray(received, "float64") - sent) @ [1, 1j]
    return -10 * np.log10(np.mean(np.abs(error) ** 2))


def test_an_ideal_receiver_without_noise_returns_the_symbols():
    link = DispersiveLink(snr_db=200.0)
    samples, symbols = link.simulate(3, 128, seed=0)
    np.testing.assert_allclose(link.ideal_receiver(samples), symbols, atol=1e-5)
    without = dataclasses.replace(link, distance=0.0)
    assert snr_db(without.ideal_receiver(samples), symbols) < 3


@pytest.mark.parametrize("order", [4, 16, 64, 256])
def test_the_signal_to_noise_ratio_is_the_one_asked_for(order):
    link = DispersiveLink(order=order, snr_db=15.0)
    samples, symbols = link.simulate(40, 256, seed=1)
    found = snr_db(link.ideal_receiver(samples), symbols)
    # Four standard errors of the mean of n exponential variables.
    assert abs(found - 15.0) < 10 * np.log10(1 + 4 / np.sqrt(40 * 256))
    assert abs(np.mean(np.abs(link.constellation()) ** 2) - 1) < 1e-12
    assert len(np.unique(link.constellation())) == order


def test_a_gaussian_pulse_broadens_by_its_closed_form():
    # A pulse exp(-t^2 / 2T^2) broadens by sqrt(1 + (beta_2 L / T^2)^2).
    link = DispersiveLink(symbol_rate=50.0)
    n, width = 4096, 25.0
    t = (np.arange(n) - n // 2) * 1e3 / (2 * link.symbol_rate)
    _, fiber = link.responses(n)
    pulse = np.fft.ifft(np.fft.fft(np.exp(-(t**2) / (2 * width**2))) * fiber)
    power = np.abs(pulse) ** 2
    found = np.sqrt(2 * np.sum(power * t**2) / np.sum(power)) / width
    expected = np.sqrt(1 + (link.beta_2 * link.distance / width**2) ** 2)
    assert abs(found / expected - 1) < 1e-9
    assert expected > 2.9


def test_symbol_errors_match_the_closed_form_of_16_qam():
    from math import erfc, sqrt

    link = DispersiveLink(order=16, snr_db=14.0)
    samples, symbols = link.simulate(100, 512, seed=2)
    errors = link.symbol_errors(link.ideal_receiver(samples), symbols)
    q = 0.5 * erfc(sqrt(10**1.4 / 5) / sqrt(2))
    p = 1 - (1 - 1.5 * q) ** 2
    n = 100 * 512
    assert abs(errors - n * p) < 4 * sqrt(n * p * (1 - p))
    assert link.symbol_errors(symbols, symbols) == 0


def test_a_seed_repeats_and_another_differs():
    link = DispersiveLink()
    first, again, other = (link.simulate(1, 32, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize(
    "arguments",
    [
        {"order": 8},
        {"symbol_rate": 0},
        {"distance": -1},
        {"roll_off": 2},
        {"roll_off": 0},
        {"snr_db": np.nan},
    ],
)
def test_bad_arguments_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}="):
        DispersiveLink(**arguments)
