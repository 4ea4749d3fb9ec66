"""Integer-only LiteRT (TFLite) models of chains, and their interpreter.

The flatbuffers are written directly: a converter would choose scales that
integers cannot follow. The profile `"int8"` alone promises no equal integers,
and is measured by its signal-to-noise ratio.
"""

from tflite_export.litert._interpreter import RESOLVERS
from tflite_export.litert.model_of_fast import model_of_fast
from tflite_export.litert.model_of_int8 import model_of_int8
from tflite_export.litert.prepare import prepare
from tflite_export.litert.run import run
from tflite_export.litert.run_samples import run_samples
from tflite_export.litert.session import Session
from tflite_export.litert.snr import snr
from tflite_export.litert.target_files import target_files
from tflite_export.litert.to_flatbuffer import PROFILES, to_flatbuffer
from tflite_export.litert.to_float_flatbuffer import to_float_flatbuffer
from tflite_export.litert.versions import versions

__all__ = [
    "PROFILES",
    "RESOLVERS",
    "Session",
    "model_of_fast",
    "model_of_int8",
    "prepare",
    "run",
    "run_samples",
    "snr",
    "target_files",
    "to_flatbuffer",
    "to_float_flatbuffer",
    "versions",
]
