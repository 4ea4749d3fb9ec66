"""What the fast profile can compute."""

import math

import numpy as np

_LARGEST_TAP = 127
_INT16 = np.iinfo("int16")
# The multiplier of the kernel: a documented shift of -31 to 7 at bit 30.
_SHIFTS = (-6, 32)
# As far as the tests follow the roundings of MUL, ADD and SUB.
_PRODUCT_SHIFTS = (0, 31)
_SUM_SHIFTS = (-8, 16)
_KERR_FORMATS = ("signal", "power", "phase", "rotation", "output")


def check_size(kernel, shape, profile="fast"):
    """Raises `ValueError` where a tensor has more entries than an int32.

    Args:
        kernel: Array `(num_taps, channels, outputs)`.
        shape: Tuple, that of its input.
        profile: String, whose the message is. Defaults to `"fast"`.
    """
    batch, time, channels = shape
    num_taps, each, outputs = kernel.shape
    entries = batch * (time + num_taps) * channels
    entries = max(entries, entries // each * outputs)
    if entries >= 2**31:
        refuse(
            "fewer than 2^31 entries in a tensor",
            "a smaller `batch` or `time`, and several runs",
            f"batch={batch}, time={time}, {channels} channels",
            profile,
        )


def check_supported(spec):
    """Raises `ValueError` unless LiteRT's CONV_2D computes `spec` exactly.

    Args:
        spec: `tflite_export.FIRSpec`.
    """
    peak = int(np.abs(spec.taps).max())
    if peak > _LARGEST_TAP:
        refuse(
            "taps from -127 to 127 (int8)",
            "a `tap_format` of 8 bits with overflow='saturate_symmetric'",
            f"a tap of magnitude {peak}",
        )
    for name in ("signal_format", "output_format"):
        check_int16(name, getattr(spec, name))
    _check_rounding("output_format", spec.output_format)
    _check_scales(spec)


def check_rotation(spec):
    """Raises `ValueError` unless the profile can turn by `spec`.

    Args:
        spec: `tflite_export.KerrSpec`.
    """
    if spec.method != "taylor2":
        refuse(
            "Kerr rotations by method='taylor2'",
            "that method",
            f"method={spec.method!r}",
        )
    for name in _KERR_FORMATS:
        form = getattr(spec, f"{name}_format")
        check_int16(f"{name}_format", form)
        if name != "signal":
            _check_rounding(f"{name}_format", form)
    peak = int(np.abs(spec.coefficients).max())
    if peak > _INT16.max:
        refuse(
            "coefficients that fit into int16",
            "a `coefficient_format` of at most 15 bits",
            f"a coefficient of magnitude {peak}",
        )


def check_product(shift):
    """Raises `ValueError` unless MUL shifts by `shift` as it is known to."""
    _check_shift("products", shift, _PRODUCT_SHIFTS)


def check_sum(shift):
    """Raises `ValueError` unless ADD and SUB shift so as they are known to."""
    _check_shift("sums", shift, _SUM_SHIFTS)


def _check_shift(what, shift, ends):
    low, high = ends
    if not low <= shift <= high:
        refuse(
            f"{what} whose step is 2^{low} to 2^{high} times the exact one",
            "other `fraction_bits`",
            f"2^{shift} times",
        )


def refuse(expected, fix, received, profile="fast"):
    """Raises `ValueError` in the words of a profile."""
    raise ValueError(
        f"The {profile} profile of litert expects {expected}; use {fix}, or "
        f"profile='exact'. Received: {received}"
    )


def check_int16(name, form):
    """Raises `ValueError` unless an int16 holds each number of a format."""
    if form.minimum_integer < _INT16.min or form.maximum_integer > _INT16.max:
        refuse(
            f"a `{name}` that fits into int16",
            "at most 16 bits, or 15 where it is not signed",
            f"{name}={form}",
        )


def _check_rounding(name, form):
    if form.rounding != "nearest":
        refuse(
            f"a `{name}` with rounding='nearest', as LiteRT's kernels have",
            "that rounding",
            f"rounding={form.rounding!r}",
        )
    if form.overflow == "wrap":
        refuse(
            f"a `{name}` that saturates, as LiteRT's kernels do",
            "overflow='saturate'",
            "overflow='wrap'",
        )


def _check_scales(spec):
    low, high = _SHIFTS
    if not low <= spec.shift <= high:
        refuse(
            f"an output whose step is 2^{low} to 2^{high} times that of the "
            "sum",
            "other `fraction_bits` in `output_format`",
            f"2^{spec.shift} times",
        )
    # Before it saturates, the rounded sum passes through int32.
    bound = math.ldexp(spec.accumulator_bound, -spec.shift)
    if bound > 2**31 - 2:
        refuse(
            "rounded sums of at most 32 bits",
            "fewer `fraction_bits` in `output_format`, or smaller taps",
            f"sums up to {bound:.0f} steps of the output",
        )
