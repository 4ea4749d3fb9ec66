"""The stages of a chain as signals."""

import numpy as np

from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.verilog._fir import build_fir
from tflite_export.verilog._kerr import build_kerr


class TapRegisters:
    """Gives taps that can be written their addresses, one after another."""

    def __init__(self):
        self.resets = []
        self._bits = []

    @property
    def ports(self):
        """Bits of the address and of the data, or None without taps."""
        if not self.resets:
            return None
        return max(1, (len(self.resets) - 1).bit_length()), max(self._bits)

    def make(self, net, taps, form):
        """An array of `Signal` for an array of integers."""
        low, high = register_range(form)
        found = np.empty(taps.shape, "object")
        for place, value in np.ndenumerate(taps):
            address = len(self.resets)
            found[place] = net.tap(address, low, high, int(value))
            self.resets.append(int(value))
            self._bits.append(form.word_length)
        return found


def register_range(form):
    """All that the bits of a `FixedPoint` can hold, symmetric or not."""
    if not form.signed:
        return 0, form.maximum_integer
    half = 1 << (form.word_length - 1)
    return -half, half - 1


def build(net, stage, signals, registers):
    """Adds a stage to a netlist.

    Args:
        net: `Netlist`.
        stage: `FIRSpec`, `KerrSpec` or `RoundSpec`.
        signals: List of `Signal`, the channels.
        registers: `TapRegisters`, or None for constant taps.

    Returns:
        List of `Signal`, the channels behind the stage.
    """
    if isinstance(stage, FIRSpec):
        return build_fir(net, stage, signals, registers)
    if isinstance(stage, KerrSpec):
        return build_kerr(net, stage, signals)
    fraction = stage.signal_format.fraction_bits
    return [net.round_to(x, fraction, stage.output_format) for x in signals]


def describe(stage):
    """What a stage is, in words."""
    if isinstance(stage, FIRSpec):
        return f"filter of {len(stage.taps)} taps"
    if isinstance(stage, KerrSpec):
        return f"Kerr rotation by {stage.method}"
    return "rounding to another format"
