"""Lengths, first values and scales of the filters of a backpropagation."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops._exact_sums import exact_in_float32
from keras_bp.optics.dispersion_filter import dispersion_filter
from keras_bp.optics.error_feedback import error_feedback, round_to_nearest

_CANDIDATES = 129


def as_lengths(num_taps, count, owner):
    """`num_taps`, or one for each of `count` filters, as a list.

    Raises:
        TypeError: One of them is no integer.
        ValueError: One of them is even or below 1, or there are too few.
    """
    lengths = list(num_taps) if np.ndim(num_taps) else [num_taps] * count
    if len(lengths) != count:
        raise ValueError(
            f"{owner} expects `num_taps` for {count} filters, or one for all. "
            f"Received: {len(lengths)} of them"
        )
    for length in lengths:
        _checks.check_integer("num_taps", length, minimum=1, owner=owner)
        if length % 2 == 0:
            raise ValueError(
                f"{owner} expects an odd `num_taps`: the filters are "
                f"symmetric. Received: num_taps={length}"
            )
    return [int(length) for length in lengths]


def designed_taps(model):
    """Complex taps of each step of a `TimeDomainDBP`, rounded if it says so."""
    designs = {}
    link = model.link
    for key in zip(model.num_taps, model.step_lengths, strict=True):
        if key not in designs:
            num_taps, length = key
            designs[key] = dispersion_filter(
                num_taps,
                link.beta_2,
                length,
                link.symbol_rate * link.samples_per_symbol,
                design=model.filters,
                bandwidth=model.bandwidth,
                max_gain=model.max_gain,
            )
    keys = zip(model.num_taps, model.step_lengths, strict=True)
    taps = [designs[key] for key in keys]
    if not model.error_feedback:
        return taps
    if model.formats.taps is None:
        raise ValueError(
            f"{type(model).__name__} expects `formats.taps` with "
            "error_feedback=True. Received: None"
        )
    step = model.formats.taps.step
    return [
        (integers @ np.array([1, 1j])) * step
        for integers in error_feedback(taps, model.formats.taps)
    ]


def needs_float64(formats, num_taps):
    """Whether float32 cannot hold the sums of a filter exactly."""
    before = (formats.input, formats.output)
    if formats.taps is None or None in before:
        return False
    widest = max(form.largest_magnitude for form in before)
    return not exact_in_float32(
        2 * num_taps, formats.taps.largest_magnitude, widest
    )


def choose_log2_scales(taps, form, max_drift, owner):
    """Scales of the least relative rounding error, one step after the other.

    Args:
        taps: List of arrays `(stored, 1, 1, 2)`, as they are with scale 0.
        form: `FixedPoint` of the scaled taps.
        max_drift: Float, bound on what the signal gains or loses up to each
            step, in factors of two: the gains of the filters at zero
            frequency, less the scales.
        owner: String, who asks, for the message.

    Returns:
        Float64 array of one log2 scale per step.

    Raises:
        ValueError: No scale of a step keeps both the taps in their range and
            the drift within its bound.
    """
    found, drift = [], 0.0
    for index, tap in enumerate(taps):
        drift += log2_gain(tap)
        # Where the drift may go from here, and no tap leaves the range.
        low = np.log2(np.abs(tap).max() / form.maximum)
        high = drift + max_drift
        if low > high:
            raise ValueError(
                f"{owner} expects a `max_drift` with which the taps stay in "
                f"their range, {low - drift:.3f} or more at step {index}. "
                f"Received: max_drift={max_drift}"
            )
        scales = np.linspace(max(low, drift - max_drift), high, _CANDIDATES)
        scaled = tap[None] * 2.0 ** -scales.reshape(-1, *(1,) * tap.ndim)
        rounded, _ = round_to_nearest(scaled / form.step, form)
        error = (rounded * form.step - scaled) ** 2
        energy = (scaled**2).reshape(len(scales), -1).sum(axis=1)
        relative = error.reshape(len(scales), -1).sum(axis=1) / energy
        found.append(scales[relative.argmin()])
        drift -= found[-1]
    return np.array(found)


def log2_gain(stored):
    """Gain of a symmetric filter at zero frequency, in factors of two."""
    total = 2.0 * stored.sum(axis=0) - stored[-1]
    return np.log2(np.sqrt(np.sum(total**2)))


def stored_taps(taps):
    """The first half of complex taps, as the layer holds it."""
    half = taps[: (len(taps) + 1) // 2]
    return np.stack([half.real, half.imag], axis=-1)[:, None, None]
