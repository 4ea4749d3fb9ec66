import numpy as np
import pytest

from keras_bp.optics import root_raised_cosine


@pytest.mark.parametrize("rate", [2, 3, 6])
@pytest.mark.parametrize("roll_off", [0.0, 0.1, 1.0])
def test_two_in_a_row_have_no_intersymbol_interference(rate, roll_off):
    symbols = 32
    response = root_raised_cosine(symbols * rate, rate, roll_off)
    pulse = np.fft.ifft(response**2 / rate)
    expected = np.zeros(symbols)
    expected[0] = 1.0
    np.testing.assert_allclose(pulse[::rate], expected, atol=1e-12)


def test_symbols_of_power_one_become_a_signal_of_power_one():
    rng = np.random.default_rng(0)
    symbols = rng.normal(size=(4000, 2)) @ [1, 1j] / np.sqrt(2)
    stuffed = np.zeros(12000, complex)
    stuffed[::3] = symbols
    signal = np.fft.ifft(
        np.fft.fft(stuffed) * root_raised_cosine(12000, 3, 0.2)
    )
    ratio = np.mean(np.abs(signal) ** 2) / np.mean(np.abs(symbols) ** 2)
    np.testing.assert_allclose(ratio, 1.0, atol=0.02)


def test_the_band_ends_where_the_roll_off_says():
    response = root_raised_cosine(400, 4, 0.2)
    f = np.abs(np.fft.fftfreq(400, 0.25))
    assert np.all(response[f <= 0.4] == 4.0)
    assert np.all(response[f >= 0.6 + 1e-9] < 1e-12)
    np.testing.assert_allclose(response[f == 0.5], 4 / np.sqrt(2))


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="`roll_off` from 0 to 1"):
        root_raised_cosine(8, 2, 1.5)
    with pytest.raises(TypeError, match="integer"):
        root_raised_cosine(8.0, 2, 0.1)
