"""Integer-only LiteRT (TFLite) models of chains, and their interpreter.

The flatbuffers are written directly: a converter would choose scales that
integers cannot follow.
"""

from tflite_export.litert._interpreter import RESOLVERS
from tflite_export.litert.model_of_fast import model_of_fast
from tflite_export.litert.run import run
from tflite_export.litert.session import Session
from tflite_export.litert.snr import snr
from tflite_export.litert.target_files import target_files
from tflite_export.litert.to_flatbuffer import PROFILES, to_flatbuffer
from tflite_export.litert.versions import versions

__all__ = [
    "PROFILES",
    "RESOLVERS",
    "Session",
    "model_of_fast",
    "run",
    "snr",
    "target_files",
    "to_flatbuffer",
    "versions",
]
