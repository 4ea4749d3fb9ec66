"""What a filter costs: operations, area, time and energy."""

from tflite_export.cost.default_liberty import default_liberty
from tflite_export.cost.energy import Energy, energy
from tflite_export.cost.liberty import Liberty
from tflite_export.cost.netlist import Netlist
from tflite_export.cost.operations import (
    Operations,
    StageOperations,
    operations,
)
from tflite_export.cost.report import Report, StepReport, report, split_steps
from tflite_export.cost.simulate import Waves, simulate
from tflite_export.cost.timing import common_clock, timing
from tflite_export.cost.verilog_cells import verilog_cells

__all__ = [
    "Energy",
    "Liberty",
    "Netlist",
    "Operations",
    "Report",
    "StageOperations",
    "StepReport",
    "Waves",
    "common_clock",
    "default_liberty",
    "energy",
    "operations",
    "report",
    "simulate",
    "split_steps",
    "timing",
    "verilog_cells",
]
