"""The cheapest design of each family, side by side."""

import numpy as np

from examples.asic_parts.designs import snr, symbols
from examples.asic_parts.gates import gates
from examples.asic_parts.sweep import (
    below,
    chain,
    cheapest,
    measured,
    pieces,
)
from examples.learned_dbp_parts.measure import ber_row, count_symbols
from examples.learned_dbp_parts.stages import qam_blocks, unseen_blocks

FAMILIES = ("LS", "learned")

# Figure: what it is called, and its unit.
_FIGURES = {
    "area": ("area", "um^2"),
    "energy_zero": ("energy a sample, gates without delay", "pJ"),
    "energy_unit": ("energy a sample, gates of unit delay", "pJ"),
    "critical_path": ("critical path", "ns"),
    "luts": ("LUTs of an ECP5 FPGA", ""),
    "dsps": ("DSP blocks of an ECP5 FPGA", ""),
}
_AIM = "<= 0.6"


def rows(store, sweep, liberty=None):
    """What is recorded.

    Args:
        store: `Store`.
        sweep: `Sweep`.
        liberty: `tflite_export.cost.Liberty` of the gates that the designs
            become, or None for none. Defaults to `None`.

    Returns:
        List of `results.Row`.
    """
    found = _best(store, sweep)
    for level in sweep.levels:
        pair = {
            family: cheapest(store, sweep, level, family) for family in FAMILIES
        }
        for family, design in pair.items():
            if design is None:
                found.append(_missing(store, sweep, level, family))
        if None in pair.values():
            continue
        for family in FAMILIES:
            found += _measured(store, sweep, level, pair[family][0])
        found += _compared(store, sweep, level, pair, liberty)
    return found


def _best(store, sweep):
    found = []
    for family in FAMILIES:
        designs = [x for x in measured(store, sweep) if x.family == family]
        if designs:
            best = max(designs, key=lambda x: x.snr)
            found.append(
                store.row(
                    f"{family}, best of {len(designs)} designs",
                    f"effective SNR: {best.name}",
                    best.snr,
                )
            )
    for piece in pieces(sweep):
        before = below(store, piece)
        if before is not None:
            lengths = " and ".join(map(str, np.atleast_1d(piece.taps)))
            found.append(
                store.row(
                    f"learned, {lengths} taps, to be {piece.tap_bits} bit",
                    "effective SNR before rounding, below all levels",
                    before,
                )
            )
    return found


def _missing(store, sweep, level, family):
    designs = [x.snr for x in measured(store, sweep) if x.family == family]
    return store.row(
        f"{level:g} dB, {family}",
        "designs that reach it",
        0,
        "",
        against=f"the best of {len(designs)}, dB",
        against_value=max(designs, default=0.0),
    )


def _measured(store, sweep, level, design):
    """SNR and bit errors on blocks by which nothing was chosen."""
    name = f"{level:g} dB, {design.name}"
    integers = chain(store, sweep, design)
    value = snr(store, integers, unseen_blocks(store))
    blocks = qam_blocks(store)
    counted = count_symbols(
        symbols(store, integers, blocks[0]), blocks[1], store.config.qam
    )
    return [
        store.row(name, "effective SNR, unseen blocks", value),
        ber_row(store, name, counted),
    ]


def _compared(store, sweep, level, pair, liberty):
    (fair, fair_cost), (learned, learned_cost) = (
        pair[family] for family in FAMILIES
    )
    name = f"{level:g} dB, {learned.name}"
    steps = len(chain(store, sweep, learned).stages) // 2

    def row(metric, value, other, unit, aim=_AIM):
        return store.row(
            name,
            metric,
            value,
            unit,
            against=fair.name,
            against_value=other,
            aim=aim,
        )

    found = [
        row(
            "full adders of a filter",
            learned_cost / steps,
            fair_cost / steps,
            "",
        )
    ]
    if liberty is None:
        return found
    for taps, filters_only in (
        ("constant", True),
        ("programmable", True),
        ("constant", False),
    ):
        totals = [
            gates(store, sweep, design, liberty, taps, filters_only)
            for design in (learned, fair)
        ]
        part = "filter" if filters_only else "step with Kerr rotation"
        found.append(
            store.row(
                name,
                f"clock that both meet, {part}, {taps} taps",
                max(total["critical_path"] for total in totals),
                "ns",
            )
        )
        for figure, (told, unit) in _FIGURES.items():
            aim = _AIM if unit in ("um^2", "pJ") else None
            found.append(
                row(
                    f"{told}, {part}, {taps} taps",
                    *(total[figure] for total in totals),
                    unit,
                    aim=aim if filters_only else None,
                )
            )
    return found
