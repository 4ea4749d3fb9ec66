"""The best learned design on every target, on a block that was received."""

import numpy as np

from examples.asic_parts.sweep import chain, cheapest
from examples.learned_dbp_parts.stages import test_blocks
from tflite_export import c, cost, litert, verilog
from tflite_export.tools import MissingToolError


def rows(store, sweep, liberty=None):
    """How many numbers differ from the integers, target by target.

    Args:
        store: `Store`.
        sweep: `Sweep`.
        liberty: `tflite_export.cost.Liberty` of the gates, or None for none.

    Returns:
        List of `results.Row`.
    """
    found = cheapest(store, sweep, sweep.levels[-1], "learned")
    if found is None:
        return []
    design, _ = found
    whole = chain(store, sweep, design)
    signal = whole.quantize(test_blocks(store)[0][:1])
    wanted = whole.run(signal)
    steps = len(whole.stages) // 2
    name = f"{steps} steps, {design.name}"
    rows = []
    for target, run in _runs(whole, signal, liberty).items():
        # The gates are those of one library.
        cells = f"-{liberty.name}" if target.startswith("gates") else ""
        key = f"targets-{design.key}-{target}{cells}"
        kept = store.numbers(key)
        if not kept:
            try:
                kept = [int(np.sum(run() != wanted))]
            except MissingToolError:
                continue
            store.keep_numbers(key, kept)
        rows.append(
            store.row(
                name,
                f"numbers of {wanted.size:,} that differ, {target}",
                kept[0],
                "",
                aim="== 0",
            )
        )
    return rows


def _runs(whole, signal, liberty):
    """Functions that compute the block, by the names of the targets."""
    time = signal.shape[1]
    found = {
        "LiteRT": lambda: litert.run(
            litert.to_flatbuffer(whole, time=time), signal
        ),
        "C by gcc": lambda: c.run(whole, signal, "gcc", whole=True),
        "C on a Cortex-M4": lambda: c.run(whole, signal, "arm", whole=True),
        "Verilog": lambda: _simulated(whole, signal),
    }
    if liberty is not None:
        found["gates, step by step"] = lambda: _gates(whole, signal, liberty)
    return found


def _simulated(whole, signal):
    longer, kept = c.extend_signal(whole, signal)
    design = verilog.to_verilog(whole, pipeline="adders")
    return verilog.run(design, longer)[:, kept]


def _gates(whole, signal, liberty):
    """The integers, after a report that raises where the gates differ."""
    longer, _ = c.extend_signal(whole, signal)
    cost.report(whole, liberty, signal=longer[0], pipeline="adders", fpga=None)
    return whole.run(signal)
