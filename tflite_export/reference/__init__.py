"""Integer-exact NumPy model of docs/fixed_point.md, in int64."""

from tflite_export.reference._fir import fir, real_kernel
from tflite_export.reference._kerr import (
    SIXTH,
    kerr,
    kerr_power,
    kerr_turn,
    phasor,
)
from tflite_export.reference._rounding import (
    handle_overflow,
    quantize,
    round_shift,
    round_to,
)

__all__ = [
    "SIXTH",
    "fir",
    "handle_overflow",
    "kerr",
    "kerr_power",
    "kerr_turn",
    "phasor",
    "quantize",
    "real_kernel",
    "round_shift",
    "round_to",
]
