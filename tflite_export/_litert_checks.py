"""What LiteRT can compute exactly of a fixed-point FIR filter."""

import numpy as np

_LARGEST_TAP = 127
# The multiplier of the kernel: a documented shift of -31 to 7 at bit 30.
_SHIFTS = (-6, 32)


def check_size(spec, batch, time):
    """Raises `ValueError` where a tensor has more entries than an int32.

    Args:
        spec: `tflite_export.FIRSpec`.
        batch: Integer, batch size of the model.
        time: Integer, samples of a signal.
    """
    channels = max(spec.kernel.shape[1:])
    entries = batch * (time + spec.kernel.shape[0]) * channels
    if entries >= 2**31:
        _refuse(
            "fewer than 2^31 entries in a tensor",
            "a smaller `batch` or `time`, and several runs",
            f"batch={batch}, time={time}, {channels} channels",
        )


def check_supported(spec):
    """Raises `ValueError` unless LiteRT computes `spec` exactly.

    Args:
        spec: `tflite_export.FIRSpec`.
    """
    peak = int(np.abs(spec.taps).max())
    if peak > _LARGEST_TAP:
        _refuse(
            "taps from -127 to 127 (int8)",
            "a `tap_format` of 8 bits with overflow='saturate_symmetric'",
            f"a tap of magnitude {peak}",
        )
    for name in ("signal_format", "output_format"):
        form = getattr(spec, name)
        if form.minimum_integer < -(2**15) or form.maximum_integer >= 2**15:
            _refuse(
                f"a `{name}` that fits into int16",
                "at most 16 bits, or 15 where it is not signed",
                f"{name}={form}",
            )
    output = spec.output_format
    if output.rounding != "nearest":
        _refuse(
            "an `output_format` with rounding='nearest', as its CONV_2D does",
            "that rounding",
            f"rounding={output.rounding!r}",
        )
    if output.overflow == "wrap":
        _refuse(
            "an `output_format` that saturates, as its CONV_2D does",
            "overflow='saturate'",
            "overflow='wrap'",
        )
    _check_scales(spec)


def _refuse(expected, fix, received):
    raise ValueError(
        f"The target litert expects {expected}; use {fix}. Received: {received}"
    )


def _check_scales(spec):
    low, high = _SHIFTS
    if not low <= spec.shift <= high:
        _refuse(
            f"an output whose step is 2^{low} to 2^{high} times that of the "
            "sum",
            "other `fraction_bits` in `output_format`",
            f"2^{spec.shift} times",
        )
    # Before it saturates, the rounded sum passes through int32.
    bound = spec.accumulator_bound * 2.0**-spec.shift
    if bound > 2**31 - 2:
        _refuse(
            "rounded sums of at most 32 bits",
            "fewer `fraction_bits` in `output_format`, or smaller taps",
            f"sums up to {bound:.0f} steps of the output",
        )
