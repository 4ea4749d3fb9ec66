"""The last stage: equalizers over the launch power."""

import dataclasses

from benchmarks import results
from examples.fan_out_parts import Lines
from examples.learned_dbp_parts import stages
from examples.learned_dbp_parts.measure import ber_row, count_bits, snr
from examples.learned_dbp_parts.store import Store
from keras_bp.optics import EDC, DBPFormats, TimeDomainDBP

# Equalizers of the last folder, for several powers.
_loaded = {}


def swept(store):
    """SNR and bit errors of QAM over the launch power.

    Each power may be simulated and measured by another process.
    """
    config = store.config
    # Made by this one, for all.
    names = list(sweep_models(store))
    lines = Lines(store.folder / "swept.jsonl", repr(config))
    powers = {f"{power:+g} dBm": power for power in config.powers}
    jobs = {
        told: (str(store.folder), config, store.name, power)
        for told, power in powers.items()
        if not lines.has(told)
    }
    store.fan.run(at_power, jobs, lines.keep)
    store.fan.raise_if_failed()
    return [
        results.Row(**row)
        for name in names
        for told in powers
        for row in lines.found(told)[name]
    ]


def at_power(folder, config, name, power):
    """Rows of all equalizers at one launch power.

    Args:
        folder: String, of a run whose models are there.
        config: `Config`.
        name: String, that of the configuration.
        power: Float, dBm.

    Returns:
        Dictionary from the name of an equalizer to a list of dictionaries.
    """
    store = Store(folder, config, name, verbose=0)
    if folder not in _loaded:
        _loaded.clear()
        _loaded[folder] = sweep_models(store)
    blocks, found = swept_blocks(store, power), {}
    for equalizer, model in _loaded[folder].items():
        told = f"{equalizer}, {power:+g} dBm"
        measured = f"{stages.SNR}, {config.qam}-QAM"
        counted = count_bits(model, blocks, config.qam, power)
        rows = [
            store.row(told, measured, snr(model, blocks)),
            ber_row(store, told, counted),
        ]
        found[equalizer] = [dataclasses.asdict(row) for row in rows]
    return found


def sweep_models(store):
    """The equalizers that are compared over the launch power."""
    config = store.config
    link, (taps, ls_bits) = config.link, config.fair
    bits, signal_bits = config.bits[0], config.signal_bits
    found = {"EDC": EDC(link)}
    for steps in (1, 2, 8):
        name = f"frequency-domain DBP, {steps} StPS"
        found[name] = stages.frequency_domain(link, steps)
    found[f"LS {taps} taps/{ls_bits} bit"] = TimeDomainDBP(
        link,
        taps,
        bandwidth=config.bandwidth,
        formats=DBPFormats.of(tap_bits=ls_bits),
        error_feedback=True,
    )
    found[f"learned {config.num_taps} taps"] = stages.learned_model(store, 0)
    name = stages.quantized_name(store)
    name = f"{name}/{bits} bit, {signal_bits}-bit signal"
    found[name] = stages.quantized_model(store, bits, config.signal_bits, 0)
    return found


def swept_blocks(store, power):
    return store.blocks(
        f"sweep{power:+g}",
        store.config.sweep_blocks,
        stages.SWEPT,
        modulation=store.config.qam,
        power=power,
    )
