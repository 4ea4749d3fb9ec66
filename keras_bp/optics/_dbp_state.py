"""Moves the state of a digital backpropagation to other scales and formats."""

import numpy as np
from keras import ops

from keras_bp.optics._dbp_taps import choose_log2_scales
from keras_bp.optics.dbp_formats import DBPFormats

# What the steps follow from, and what the filters were designed by.
_STRUCTURE = ("link", "num_taps", "steps_per_span", "split", "power_taps")
_DESIGN = ("filters", "bandwidth", "max_gain")


def rescale(model, max_drift, owner):
    """See `TimeDomainDBP.choose_scales`."""
    before = ops.convert_to_numpy(model.log2_scales)
    taps = [
        _real_taps(layer) * 2.0**scale
        for layer, scale in zip(model.fir_layers, before, strict=True)
    ]
    after = choose_log2_scales(taps, model.formats.taps, max_drift, owner)
    for layer, tap, scale in zip(model.fir_layers, taps, after, strict=True):
        layer.taps.assign(tap * 2.0**-scale)
        hold_again(layer)
    change = np.cumsum(after - before)
    for layer, drift in zip(model.kerr_layers, change, strict=False):
        layer.set_coefficients(layer.coefficients * 4.0**drift)
    model.output_gain.assign(model.output_gain * 2.0 ** change[-1])
    model.log2_scales.assign(after)
    return after


def copied(model, cuts, changes):
    """A model of the same state.

    Args:
        model: `TimeDomainDBP`, built.
        cuts: List, taps to leave out at either end of each filter.
        changes: Dictionary, arguments that differ.

    Raises:
        ValueError: `changes` names what the steps or filters follow from.
    """
    wrong = set(changes) & {*_STRUCTURE, *_DESIGN}
    # Errors are carried from filter to filter where taps are designed.
    if changes.get("error_feedback"):
        wrong.add("error_feedback")
    if wrong:
        raise ValueError(
            f"{type(model).__name__}.copied expects changes that leave the "
            "steps and filters as they are. "
            f"Received: {', '.join(sorted(wrong))}"
        )
    lengths = [
        length - 2 * cut
        for length, cut in zip(model.num_taps, cuts, strict=True)
    ]
    config = model.get_config() | {
        "num_taps": lengths,
        "error_feedback": False,
        "name": None,
        **changes,
    }
    new = type(model).from_config(config)
    new.build(model.fir_layers[0].get_build_config()["input_shape"])
    pairs = zip(new.fir_layers, model.fir_layers, cuts, strict=True)
    for short, long, cut in pairs:
        short.taps.assign(_real_taps(long)[cut:])
        hold = long.tap_hold
        short.tap_hold.hold(hold.held[cut:], ops.convert_to_numpy(short.taps))
        if hold.pruned[cut:].any():
            short.tap_hold.prune(hold.pruned[cut:])
        hold_again(short)
    gain = model.input_gain / new.input_gain
    for now, old in zip(new.kerr_layers, model.kerr_layers, strict=True):
        now.set_coefficients(old.coefficients * gain**2)
    new.log2_scales.assign(model.log2_scales)
    new.output_gain.assign(model.output_gain * gain)
    return new


def hold_again(layer):
    """Rounds what `layer` holds to its format."""
    if layer.tap_quantizer is not None and layer.tap_hold.held.any():
        rounded = layer.tap_quantizer(ops.copy(layer.taps))
        held = layer.tap_hold.held
        layer.tap_hold.hold(held, ops.convert_to_numpy(rounded))


def formats_for(model, tap_bits, signal_bits, changes):
    """See `TimeDomainDBP.formats_for`."""
    found = [model.kerr_coefficients]
    if model.built:
        found = [
            ops.convert_to_numpy(layer.coefficients)
            for layer in model.kerr_layers
        ]
    found = np.concatenate([np.ravel(part) for part in found])
    largest = float(np.abs(found).max())
    # Of a link without Kerr effect, the usual range holds them.
    held = {"max_coefficient": 2 * largest} if largest else {}
    return DBPFormats.of(
        tap_bits,
        signal_bits,
        signed=model.power_taps > 1 or bool(found.min() < 0),
        **held,
        **changes,
    )


def _real_taps(layer):
    """The stored taps, the held ones in their places."""
    return ops.convert_to_numpy(layer.tap_hold(ops.copy(layer.taps)))


def check_built(model, method):
    """Raises `ValueError` unless `model` is built."""
    if not model.built:
        raise ValueError(
            f"{type(model).__name__}.{method} expects a built model. "
            "Received: built=False"
        )
