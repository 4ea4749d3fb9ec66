"""Synthesizable Verilog-2001 of a chain, its test benches, and a simulator."""

from tflite_export.verilog.design import Design, to_verilog
from tflite_export.verilog.run import run
from tflite_export.verilog.target_files import target_files

__all__ = [
    "Design",
    "run",
    "target_files",
    "to_verilog",
]
