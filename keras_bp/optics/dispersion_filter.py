"""Short filters that undo the dispersion of a piece of fiber."""

import numpy as np

from keras_bp import _checks

DESIGNS = ("least_squares", "ls_constrained", "direct", "truncated")

# Of each panel of the integrals over frequency.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
# Of the integral over the band, some dozen nodes each.
_MOST_PANELS = 100_000
_BISECTIONS = 60


def dispersion_filter(
    num_taps,
    beta_2,
    length,
    sample_rate,
    design="ls_constrained",
    bandwidth=0.6,
    max_gain=1.05,
):
    r"""Designs a symmetric FIR filter against dispersion.

    It approximates :math:`H(\omega) = \exp(-j \beta_2 \omega^2 L / 2)`, the
    inverse of `length` km of fiber.

    Args:
        num_taps: Positive odd integer.
        beta_2: Float, group-velocity dispersion in ps^2/km.
        length: Float, km; negative to add the dispersion.
        sample_rate: Positive float, GHz.
        design: String. `"least_squares"`: least mean square error in the
            band. `"ls_constrained"`: the same with a bound on the gain out of
            the band, without which a cascade of them amplifies the noise
            there. `"direct"`: samples of the impulse response that the fiber
            has without a limit of band, as far out as they do not alias (of
            use where that is several samples). `"truncated"`: the center of
            the inverse Fourier transform over the whole sampled band.
        bandwidth: Float in (0, 1], share of the sampled band that the
            least-squares designs fit. Defaults to `0.6`.
        max_gain: Positive float, bound of `"ls_constrained"` on the power
            gain out of that band: on the mean of :math:`|H|^2` over it, not
            on its maximum. Defaults to `1.05`.

    Returns:
        Complex128 array of shape `(num_taps,)`, the center in the middle.

    Raises:
        TypeError: `num_taps` is no integer.
        ValueError: A number or name is out of range.

    Example:

    >>> from keras_bp.optics import dispersion_filter
    >>> taps = dispersion_filter(9, -21.683, 80.0, 21.4)
    >>> bool(abs(taps[0] - taps[-1]) < 1e-12)
    True

    Reference:
        Savory, 2008, "Digital filters for coherent optical receivers"
        (`"direct"`); Sheikh et al., 2016, "Dispersion Compensation FIR Filter
        With Improved Robustness to Coefficient Quantization Errors"
        (`"ls_constrained"`).
    """
    _check(num_taps, beta_2, length, sample_rate, design, bandwidth, max_gain)
    # Phase at one radian per sample, squared.
    curvature = beta_2 / 2 * length * (sample_rate * 1e-3) ** 2
    at = np.arange(num_taps) - num_taps // 2
    if curvature == 0 and design in ("direct", "truncated"):
        return (at == 0).astype(complex)
    if design == "direct":
        scale = 1 / (2 * np.sqrt(np.pi * 1j * curvature))
        taps = scale * np.exp(1j * at**2 / (4 * curvature))
        # Farther out the frequency of the chirp leaves the sampled band.
        return np.where(np.abs(at) <= 2 * np.pi * abs(curvature), taps, 0)
    share = 1.0 if design == "truncated" else bandwidth
    wanted = _moments(at, curvature, share)
    if design == "truncated":
        return wanted
    # Products of two exponentials, averaged over the band and out of it.
    inside = share * np.sinc(share * (at[:, None] - at))
    outside = np.eye(num_taps) - inside
    if design == "least_squares":
        # Ill-conditioned: what the band does not see is left at zero.
        taps = np.linalg.lstsq(inside, wanted, rcond=1e-10)[0]
    else:
        taps = _constrained(inside, outside, wanted, max_gain * (1 - share))
    return (taps + taps[::-1]) / 2


def _constrained(inside, outside, wanted, largest):
    """The least squares with a bound on the energy out of the band."""

    def solve(weight):
        taps = np.linalg.lstsq(inside + weight * outside, wanted, rcond=1e-14)
        taps = taps[0]
        return taps, np.real(np.conj(taps) @ outside @ taps)

    taps, energy = solve(1e-9)
    if energy <= largest:
        return taps
    low, high = -9.0, 9.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if solve(10.0**middle)[1] > largest:
            low = middle
        else:
            high = middle
    return solve(10.0**high)[0]


def _moments(at, curvature, share):
    """Fourier coefficients of the wanted response, of a band of it."""
    edge = share * np.pi
    # A few radians of phase a panel, at most.
    phase = 2 * abs(curvature) * edge**2 + len(at) * edge
    panels = 4 + int(phase / 4)
    if panels > _MOST_PANELS:
        raise ValueError(
            "dispersion_filter expects a dispersion of less than "
            f"{4 * _MOST_PANELS:.0e} radians over the band. Received: "
            f"{phase:.1e}; `beta_2` is in ps^2/km, `length` in km"
        )
    centers = (np.arange(panels) + 0.5)[:, None]
    w = ((centers + _NODES / 2) * edge / panels).ravel()
    weights = np.tile(_WEIGHTS / 2 / panels, panels)
    response = weights * np.exp(-1j * curvature * w**2)
    # Even in frequency: half of the band is enough.
    return share * np.cos(at[:, None] * w) @ response


def _check(num_taps, beta_2, length, sample_rate, design, bandwidth, max_gain):
    owner = "dispersion_filter"
    _checks.check_integer("num_taps", num_taps, minimum=1, owner=owner)
    if num_taps % 2 == 0:
        raise ValueError(
            f"{owner} expects an odd `num_taps`: the filter is symmetric. "
            f"Received: num_taps={num_taps}"
        )
    _checks.check_number("beta_2", beta_2, owner=owner)
    _checks.check_number("length", length, owner=owner)
    _checks.check_positive("sample_rate", sample_rate, owner=owner)
    _checks.check_one_of("design", design, DESIGNS, owner=owner)
    _checks.check_positive("bandwidth", bandwidth, owner=owner)
    if bandwidth > 1:
        raise ValueError(
            f"{owner} expects `bandwidth` of at most 1. "
            f"Received: bandwidth={bandwidth}"
        )
    _checks.check_positive("max_gain", max_gain, owner=owner)
