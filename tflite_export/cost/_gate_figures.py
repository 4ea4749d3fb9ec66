"""What the gates of a synthesized step are and do."""

import numpy as np

from tflite_export.cost.energy import energy
from tflite_export.cost.netlist import Netlist
from tflite_export.cost.simulate import DELAYS, simulate


def gate_figures(design, synthesis, liberty, signal, result):
    """Simulates a netlist, compares its outputs, and sums up its energy.

    Args:
        design: `verilog.Design` without handshake.
        synthesis: `tools.yosys.Synthesis` of its core.
        liberty: `Liberty`.
        signal: Int64 array `(time, channels)`, of whole clocks.
        result: Int64 array `(time, channels)`, what is to come out.

    Returns:
        Dictionary of fields of `StepReport`.

    Raises:
        RuntimeError: Something else comes out.
    """
    netlist = Netlist.from_json(synthesis.json, synthesis.top)
    waves = simulate(
        netlist,
        liberty,
        {"in_data": signal.reshape(-1, design.lanes * signal.shape[1])},
        tie={name: 0 for name in netlist.inputs if name.startswith("tap_")},
    )
    _compare(design, synthesis, waves, result)
    # Until then the delay lines are filling.
    start = design.latency + -(-design.chain.memory // design.lanes) + 1
    energies = {
        delay: energy(
            netlist,
            liberty,
            waves.toggles(delay, start),
            waves.cycles - start,
            lanes=design.lanes,
        )
        for delay in DELAYS
    }
    return {
        "area": netlist.area(liberty),
        "cells": len(netlist.instances),
        "registers": netlist.registers(liberty),
        "latency": design.latency,
        "depth": waves.depth,
        "energies": energies,
    }


def _compare(design, synthesis, waves, result):
    form = design.chain.output_format
    outputs = waves.port("out_data", form.word_length, form.signed)
    expected = result.reshape(len(outputs), -1)
    late = design.latency
    if not np.array_equal(outputs[late:], expected[: len(outputs) - late]):
        raise RuntimeError(
            "report expects gates that compute the integers of the chain. "
            f"Received: another output of {synthesis.top!r}"
        )
