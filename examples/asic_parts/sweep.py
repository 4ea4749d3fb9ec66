"""Measures every design, and finds the cheapest ones that are good enough."""

import dataclasses

import numpy as np

from examples.asic_parts.designs import (
    Design,
    best_gain,
    chain_of,
    steps_of,
)
from examples.asic_parts.training import real_model
from examples.learned_dbp_parts.measure import snr
from examples.learned_dbp_parts.stages import test_blocks
from keras_bp.ops import signed_digits
from tflite_export import FIRSpec
from tflite_export.adder_graph import AdderGraph


def pieces(sweep):
    """The parts of the sweep, in the order in which they are done.

    Returns:
        List of `Design`, one for each set of taps; the word length of the
        signal is swept within.
    """
    found = [
        Design("LS", taps, bits, 0)
        for taps in sweep.ls_taps
        for bits in sweep.ls_bits
    ]
    found += [Design("learned", taps, bits, 0) for taps, bits in sweep.learned]
    return found


def left(store, sweep):
    """The pieces that have not been measured."""
    return [
        piece
        for piece in pieces(sweep)
        if not store.numbers(f"snr-{piece.steps_name}")
        and not below(store, piece)
    ]


def below(store, piece):
    """SNR in dB before rounding, if it is below all levels, or None."""
    found = store.numbers(f"below-{piece.steps_name}")
    return found[0] if found else None


def measure(store, sweep, piece):
    """Measures a piece at all word lengths, unless it has been done.

    Learned filters that are below all levels before they are rounded are not
    rounded.
    """
    name = f"snr-{piece.steps_name}"
    if piece.family == "learned" and not store.numbers(name):
        model = real_model(store, sweep, piece.taps)
        before = snr(model, test_blocks(store))
        # Rounding only takes from it, and scales are not found for all.
        if before < min(sweep.levels):
            store.keep_numbers(f"below-{piece.steps_name}", [before])
            return
    if not store.numbers(name):
        found = [
            best_gain(
                store, sweep, dataclasses.replace(piece, signal_bits=each)
            )
            for each in sweep.signal_bits
        ]
        store.keep_numbers(name, [dataclasses.asdict(x) for x in found])


def measured(store, sweep):
    """The designs of the pieces that are done."""
    found = []
    for piece in pieces(sweep):
        for entry in store.numbers(f"snr-{piece.steps_name}"):
            found.append(Design(**{**entry, "taps": piece.taps}))
    return found


def filters(chain):
    """The `FIRSpec` of each step."""
    return [stage for stage in chain.stages if isinstance(stage, FIRSpec)]


def digit_cost(chain):
    """Non-zero digits of all taps times the width of the samples."""
    digits = sum(signed_digits(_half(stage)).sum() for stage in filters(chain))
    return int(digits) * chain.input_format.word_length


def adder_cost(chain):
    """Full adders of all filters: pre-additions and shared digits."""
    return sum(fir_adder_bits(stage) for stage in filters(chain))


def fir_adder_bits(stage):
    """Full adders of one complex symmetric filter on one signal."""
    half = _half(stage)
    form = stage.signal_format
    low, high = form.minimum_integer, form.maximum_integer
    pairs = len(half) - 1
    ranges = [(2 * low, 2 * high)] * (2 * pairs) + [(low, high)] * 2
    real, imag = half[:, 0], half[:, 1]
    rows = [
        np.stack([real, -imag], axis=1).ravel(),
        np.stack([imag, real], axis=1).ravel(),
    ]
    graph = AdderGraph(np.array(rows), ranges)
    return graph.adder_bits + 2 * pairs * (form.word_length + 1)


def cheapest(store, sweep, level, family):
    """The design of a family with the fewest adders that reaches a level.

    Of those within 5 % of it the one with the shortest samples: registers and
    rotations, which are not counted here, grow with them.

    Returns:
        Pair of a `Design` and its full adders, or None if none reaches it.
    """
    able = [
        design
        for design in measured(store, sweep)
        if design.family == family and design.snr >= level
    ]
    ranked = sorted(able, key=lambda x: digit_cost(chain(store, sweep, x)))
    found = [
        (adder_cost(chain(store, sweep, design)), design)
        for design in ranked[: sweep.candidates]
    ]
    if not found:
        return None
    least = min(cost for cost, _ in found)
    cost, design = min(
        (pair for pair in found if pair[0] <= 1.05 * least),
        key=lambda pair: (pair[1].signal_bits, pair[0]),
    )
    return design, cost


def front(store, sweep, family, least):
    """Designs that no other of the family beats in digits and SNR.

    Args:
        store: `Store`.
        sweep: `Sweep`.
        family: String.
        least: Float, dB, below which none is of interest.

    Returns:
        List of `Design`, and next to the front, those within 20 % of it.
    """
    able = [
        (digit_cost(chain(store, sweep, design)), design)
        for design in measured(store, sweep)
        if design.family == family and design.snr >= least
    ]
    return [
        design
        for cost, design in able
        if not any(
            other.snr > design.snr and 1.2 * less < cost for less, other in able
        )
    ]


def chain(store, sweep, design):
    """The `ChainSpec` of a design."""
    return chain_of(steps_of(store, sweep, design), design)


def _half(stage):
    """The taps up to the center, `(pairs + 1, 2)`."""
    taps = stage.taps[:, 0, 0]
    return taps[: (len(taps) + 1) // 2]
