import dataclasses

import keras
import numpy as np
import pytest

from keras_bp.optics import FiberLink


def test_the_noise_is_that_of_the_published_links():
    isit, ecoc = FiberLink.isit(), FiberLink.ecoc()
    np.testing.assert_allclose(isit.noise_power, 4.3159e-6, rtol=1e-4)
    np.testing.assert_allclose(ecoc.noise_power, 1.2969e-5, rtol=1e-4)
    snr = 10 * np.log10(isit.reference_power / isit.noise_power)
    assert round(snr, 2) == 23.65


def test_two_polarizations_share_the_power_and_see_less_kerr_effect():
    one, two = FiberLink(), FiberLink(polarizations=2)
    assert two.reference_power == one.reference_power / 2
    assert two.effective_gamma == pytest.approx(one.gamma * 8 / 9)
    assert two.noise_power == one.noise_power


def test_a_link_without_loss_has_its_own_length_and_no_noise():
    link = FiberLink(attenuation=0.0)
    assert link.effective_length == link.span_length == 80.0
    assert link.noise_density == 0.0


@pytest.mark.parametrize(
    ("name", "wrong", "unit"),
    [
        ("symbol_rate", 10.7e9, "GBd"),
        ("span_length", 80e3, "km"),
        ("attenuation", -0.2, "dB/km"),
        ("beta_2", -21.683e3, r"ps\^2/km"),
        ("gamma", -1.3, r"1/\(W km\)"),
        ("noise_figure", -5.0, "dB"),
        ("wavelength", 1550e-9, "nm"),
        ("wavelength", 1.55, "nm"),
        ("launch_power", 1000.0, "dBm"),
        ("roll_off", 10.0, "1"),
        ("noise_scaling", -1.0, "1"),
    ],
)
def test_a_wrong_unit_or_sign_raises_and_names_the_unit(name, wrong, unit):
    with pytest.raises(ValueError, match=f"`{name}` in {unit}, from.*{name}="):
        FiberLink(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("attenuation", 2e-4), ("beta_2", -2.1683e-26), ("gamma", 1.3e-3)],
)
def test_a_value_per_meter_raises_and_zero_does_not(name, wrong):
    with pytest.raises(ValueError, match=f"`{name}` in .*, 0 or of magnitude"):
        FiberLink(**{name: wrong})
    assert getattr(FiberLink(**{name: 0.0}), name) == 0.0


def test_a_pulse_has_to_fit_the_band():
    with pytest.raises(ValueError, match="`samples_per_symbol` to hold"):
        FiberLink(samples_per_symbol=1)
    assert FiberLink(samples_per_symbol=1, roll_off=0.0).roll_off == 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_spans": 0}, ValueError, "`num_spans` to be 1 or greater"),
        ({"num_spans": 2.5}, TypeError, "`num_spans` to be an integer"),
        ({"polarizations": 3}, ValueError, "`polarizations` to be 2 or less"),
        ({"gamma": float("nan")}, ValueError, "finite number"),
        ({"beta_2": "-21"}, ValueError, "finite number"),
        ({"simulation_samples_per_symbol": 1}, ValueError, "2 or greater"),
        ({"receiver_bandwidth": 100.0}, ValueError, "in GHz.*64.2"),
        ({"num_channels": 2, "channel_spacing": 12.5}, ValueError, "odd"),
        ({"num_channels": 3}, ValueError, "exactly where"),
        ({"channel_spacing": 50.0}, ValueError, "exactly where"),
        (
            {"receiver_bandwidth": "10"},
            ValueError,
            "`receiver_bandwidth` to be a finite number",
        ),
        (
            {"num_channels": 3, "channel_spacing": "50"},
            ValueError,
            "`channel_spacing` to be a finite number",
        ),
        (
            {"span_length": 1000.0, "attenuation": 5.0},
            ValueError,
            "lose 300 dB at most.*5000 dB",
        ),
        (
            {"num_channels": 3, "channel_spacing": 5.0},
            ValueError,
            "11.77 of a channel",
        ),
        (
            {"num_channels": 3, "channel_spacing": 50.0},
            ValueError,
            "raise `simulation_samples_per_symbol`",
        ),
    ],
)
def test_what_cannot_be_raises(arguments, error, words):
    with pytest.raises(error, match=words):
        FiberLink(**arguments)


def test_a_link_equals_its_reload_and_cannot_be_changed():
    link = FiberLink.isit(polarizations=2, launch_power=1.5)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(link)
    )
    assert again == link and hash(again) == hash(link)
    with pytest.raises(dataclasses.FrozenInstanceError):
        link.gamma = 1.0
