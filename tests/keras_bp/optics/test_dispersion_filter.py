import numpy as np
import pytest

from keras_bp.optics import dispersion_filter

LINK = {"beta_2": -21.683, "length": 80.0, "sample_rate": 21.4}
CURVATURE = -21.683 / 2 * 80 * 0.0214**2
DESIGNS = ("least_squares", "ls_constrained", "direct", "truncated")


def response(taps, w):
    at = np.arange(len(taps)) - len(taps) // 2
    return np.exp(-1j * np.outer(w, at)) @ taps


def in_band_error(taps, steps=1, share=0.55):
    w = np.linspace(-share, share, 401) * np.pi
    wanted = np.exp(-1j * CURVATURE * steps * w**2)
    return np.sqrt(np.mean(np.abs(response(taps, w) ** steps - wanted) ** 2))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("num_taps", [1, 9, 31])
def test_the_taps_are_symmetric(design, num_taps):
    taps = dispersion_filter(num_taps, **LINK, design=design)
    assert taps.shape == (num_taps,) and taps.dtype == complex
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-8)


def test_least_squares_equals_a_dense_grid():
    taps = dispersion_filter(9, **LINK, design="least_squares", bandwidth=0.8)
    w = (np.arange(20000) - 9999.5) / 10000 * 0.8 * np.pi
    basis = np.exp(-1j * np.outer(w, np.arange(9) - 4))
    wanted = np.exp(-1j * CURVATURE * w**2)
    expected = np.linalg.lstsq(basis, wanted, rcond=None)[0]
    np.testing.assert_allclose(taps, expected, atol=1e-6)


def test_truncation_equals_the_inverse_transform():
    w = 2 * np.pi * np.fft.fftfreq(4096)
    impulse = np.fft.ifft(np.exp(-1j * CURVATURE * w**2))
    taps = dispersion_filter(9, **LINK, design="truncated")
    np.testing.assert_allclose(taps, np.roll(impulse, 4)[:9], atol=1e-5)


@pytest.mark.parametrize("length", [80.0, 20_000.0])
def test_long_fibers_are_integrated_finely_enough(length):
    curvature = CURVATURE * length / 80
    w = (np.arange(400_000) + 0.5) / 400_000 * np.pi
    response = np.exp(-1j * curvature * w**2)
    expected = [np.mean(response * np.cos(t * w)) for t in range(-4, 5)]
    taps = dispersion_filter(
        9, **(LINK | {"length": length}), design="truncated"
    )
    np.testing.assert_allclose(taps, expected, atol=1e-8)


def test_direct_samples_are_the_impulse_response_without_a_limit():
    # With strong dispersion it fills the band, and equals the truncation.
    strong = LINK | {"length": 80_000.0}
    direct = dispersion_filter(9, **strong, design="direct")
    at = np.arange(-4, 5)
    a = CURVATURE * 1000
    # The integral of exp(-j a w^2 + j w t), damped a little to converge.
    damped = a - 0.02j * abs(a)
    expected = np.exp(1j * at**2 / (4 * damped)) / (
        2 * np.sqrt(np.pi * 1j * damped)
    )
    np.testing.assert_allclose(direct, expected, rtol=0.03)


def test_direct_samples_end_before_they_alias():
    taps = dispersion_filter(
        65, -21.683, length=400.0, sample_rate=21.4, design="direct"
    )
    at = np.flatnonzero(taps) - 32
    assert np.abs(at).max() == int(2 * np.pi * abs(CURVATURE) * 5) == 12
    w = np.linspace(-0.3, 0.3, 101)
    wanted = np.exp(-1j * CURVATURE * 5 * w**2)
    assert np.max(np.abs(response(taps, w) - wanted)) < 0.3


def test_the_constraint_bounds_the_gain_out_of_the_band():
    w = np.linspace(0.6, 1.0, 4001) * np.pi
    gains = {}
    for design in ("least_squares", "ls_constrained"):
        taps = dispersion_filter(9, **LINK, design=design, max_gain=1.05)
        gains[design] = np.mean(np.abs(response(taps, w)) ** 2)
    assert gains["least_squares"] > 1.5
    np.testing.assert_allclose(gains["ls_constrained"], 1.05, rtol=1e-3)
    # Where the least squares keep the bound by themselves, it changes nothing.
    free, bound = (
        dispersion_filter(9, **LINK, design=design, max_gain=1e9)
        for design in ("least_squares", "ls_constrained")
    )
    np.testing.assert_allclose(
        in_band_error(free), in_band_error(bound), rtol=0.05
    )


def test_longer_filters_are_better_and_a_cascade_stays_stable():
    errors = [
        in_band_error(dispersion_filter(n, **LINK), steps=25)
        for n in (7, 9, 11, 15)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.1 and errors[-1] < 0.1


def test_a_negative_length_adds_the_dispersion():
    there = dispersion_filter(15, **LINK)
    back = dispersion_filter(15, **(LINK | {"length": -80.0}))
    np.testing.assert_allclose(back, np.conj(there), atol=1e-8)


@pytest.mark.parametrize("design", DESIGNS)
def test_no_dispersion_needs_one_tap(design):
    taps = dispersion_filter(5, **(LINK | {"length": 0.0}), design=design)
    gain = response(taps, np.linspace(-1.5, 1.5, 50))
    np.testing.assert_allclose(gain, 1.0, atol=0.05)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_taps": 8}, ValueError, "odd `num_taps`"),
        ({"num_taps": 9.0}, TypeError, "integer"),
        ({"design": "window"}, ValueError, "`design` to be one of"),
        ({"bandwidth": 1.2}, ValueError, "at most 1"),
        ({"bandwidth": 0.0}, ValueError, "`bandwidth` to be greater"),
        ({"max_gain": -1.0}, ValueError, "`max_gain`"),
        ({"sample_rate": 0.0}, ValueError, "`sample_rate`"),
        ({"length": float("inf")}, ValueError, "`length`"),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    with pytest.raises(error, match=words):
        dispersion_filter(**({"num_taps": 9, **LINK} | arguments))
