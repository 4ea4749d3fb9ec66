"""Designs as gates: area, energy and clock, step by step."""

import dataclasses

import numpy as np

from examples.asic_parts.sweep import chain
from examples.learned_dbp_parts.stages import test_blocks
from tflite_export import ChainSpec, cost


def gates(store, sweep, design, liberty, taps="constant", filters_only=True):
    """Figures of a design, the mean over its steps; kept once made.

    Args:
        store: `Store`.
        sweep: `Sweep`.
        design: `Design`.
        liberty: `tflite_export.cost.Liberty`.
        taps: String, `"constant"` or `"programmable"`. Programmable ones are
            one circuit for all steps, of which the middle step is taken.
        filters_only: Boolean; else the Kerr rotation of the middle step is
            added to its filter.

    Returns:
        Dictionary from the names of figures to floats; `critical_path` is
        the smallest clock that OpenSTA shows each step to meet.
    """
    part = "filters" if filters_only else "step"
    name = gates_name(design, liberty, taps, part)
    kept = store.numbers(name)
    if not kept:
        whole = chain(store, sweep, design)
        inputs = step_inputs(store, sweep, whole)
        steps = range(len(inputs))
        if taps == "programmable" or not filters_only:
            steps = [len(inputs) // 2]
        totals = [
            _report(whole, step, inputs[step], liberty, taps, filters_only)
            for step in steps
        ]
        kept = {
            key: float(np.mean([t[key] for t in totals])) for key in totals[0]
        }
        kept["critical_path"] = max(t["critical_path"] for t in totals)
        store.keep_numbers(name, kept)
    return kept


def gates_name(design, liberty, taps, part):
    """Under which a store keeps the gates of a design in a library."""
    return f"gates-{design.key}-{liberty.name}-{taps}-{part}"


def step_inputs(store, sweep, whole):
    """The integers ahead of each filter, of one received block."""
    x = whole.quantize(test_blocks(store)[0][:1])
    found = []
    for index, stage in enumerate(whole.stages):
        if index % 2 == 0:
            found.append(x[0, : sweep.gate_samples])
        x = stage.run(x)
    return found


def _report(whole, step, signal, liberty, taps, filters_only):
    stages = whole.stages[2 * step : 2 * step + (1 if filters_only else 2)]
    part = ChainSpec(
        [dataclasses.replace(stages[0], padding="causal"), *stages[1:]],
        whole.channels,
    )
    # Unpipelined, the rotation's multipliers in a row do little but glitch.
    pipeline = "none" if filters_only else "adders"
    found = cost.report(
        part, liberty, signal=signal, taps=taps, pipeline=pipeline
    )
    return found.total
