"""What a model promises, and how near an int8 model comes."""

import math

from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._calibration import signal_like
from tflite_export.litert._interpreter import open_whole
from tflite_export.litert.model_of_int8 import model_of_int8
from tflite_export.litert.run_samples import affine_of
from tflite_export.litert.snr import outputs_of, ratio, real_outputs

# A model as it was written comes nearer than this to what its steps give;
# where they give a larger ratio than 8 bits, the ties of a machine count.
_TOLERANCE, _CERTAIN = 3.0, 40.0


def is_exact(chain, profile):
    """Whether a profile promises what the reference computes of a chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        profile: String.

    Returns:
        Boolean.
    """
    if profile == "fast":
        return not any(isinstance(stage, KerrSpec) for stage in chain.stages)
    return profile == "exact"


def least_snr_of_int8(chain, calibration, signal):
    """What an int8 model must reach, in dB: 3 less than its steps give."""
    found = ratio(model_of_int8(chain, calibration)(signal), chain.run(signal))
    return min(found, _CERTAIN) - _TOLERANCE


def told_of_int8(chain, model, calibration, batch, time):
    """What the manifest tells of an int8 model: its steps, and its SNR.

    Args:
        chain: `tflite_export.ChainSpec`.
        model: Bytes.
        calibration: See `to_flatbuffer`.
        batch: Integer, of the model.
        time: Integer, samples of a signal.

    Returns:
        Dictionary. Its ratios are measured in LiteRT's interpreter: to the
        integer reference, and to the same taps where nothing is rounded. Two
        others tell what 8 bits leave at most, of the input and of the output
        of the reference, each rounded alone.
    """
    signal = signal_like(chain, calibration, batch, time)
    found, exact = outputs_of(chain, model, signal), chain.run(signal)
    _, *entries = open_whole(model, "default", owner="export")
    before, after = (affine_of(each, owner="export") for each in entries)
    drawn = isinstance(calibration, str) and not calibration.endswith(".npy")
    return {
        "promise": "an SNR alone: samples differ from the integer reference",
        "snr_db": in_json(ratio(found, exact)),
        "snr_to_float_db": in_json(ratio(found, real_outputs(chain, signal))),
        "snr_of_input_db": _rounded(signal, chain.input_format, before),
        "snr_of_output_db": _rounded(exact, chain.output_format, after),
        "calibration": calibration if drawn else "a given signal",
        "input_step": before.step,
        "input_zero": before.zero,
        "output_step": after.step,
        "output_zero": after.zero,
    }


def _rounded(integers, form, affine):
    """What rounding to 8 bits leaves of integers of a format, in dB."""
    rounded = affine.quantize(integers * form.step)
    found = affine.dequantize(rounded) / form.step
    return in_json(ratio(found, integers))


def in_json(decibels):
    """Rounded, or None for infinity, which JSON does not know."""
    return None if math.isinf(decibels) else round(decibels, 2)
