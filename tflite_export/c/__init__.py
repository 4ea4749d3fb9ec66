"""Filters as C99 headers, and the ways to compile and run them."""

from tflite_export.c._cortex import measure_cortex_m4
from tflite_export.c._header import BLOCK, describe, to_header
from tflite_export.c._run import COMPILERS, run, run_many
from tflite_export.c._target import target_files
from tflite_export.c._whole import extend_signal

__all__ = [
    "BLOCK",
    "COMPILERS",
    "describe",
    "extend_signal",
    "measure_cortex_m4",
    "run",
    "run_many",
    "target_files",
    "to_header",
]
