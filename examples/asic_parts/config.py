"""What is swept."""

import dataclasses

from examples.learned_dbp_parts import CONFIGS, Config


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Designs of both families, and what they are held to.

    Args:
        base: `Config` of the link and of training.
        ls_taps: Tuple of the lengths of filters by design.
        ls_bits: Tuple of the word lengths of their taps.
        learned: Tuple of pairs, the length of learned filters (one, or two in
            turns) and the word length of their taps, in the order in which
            they are trained.
        prune_from: Integer, length of the filter of which two lengths in turns
            are made.
        prune_steps: Integer, training steps from the one to the other.
        search_sweeps: Integer, see `sweeps` of
            `keras_bp.callbacks.CoordinateClose`.
        signal_bits: Tuple of the word lengths of everything else.
        trained_bits: Integer, that with which learned taps are rounded.
        gains: Tuple of the gains ahead of the first rounding, of which each
            design takes the best.
        levels: Tuple of floats, dB, at which the families are compared.
        candidates: Integer, designs of each family and level, the first by
            digits, whose adders are counted.
        gate_samples: Integer, samples of the signal that toggles the gates.
    """

    base: Config
    ls_taps: tuple
    ls_bits: tuple
    learned: tuple
    prune_from: int
    prune_steps: int
    search_sweeps: int
    signal_bits: tuple
    trained_bits: int
    gains: tuple
    levels: tuple
    candidates: int
    gate_samples: int


_ISIT = Sweep(
    base=CONFIGS["isit"],
    ls_taps=tuple(range(7, 32, 2)),
    ls_bits=tuple(range(6, 13)),
    learned=(
        *((9, 6), (7, 6), (11, 5), ((7, 5), 6)),
        *((9, 5), (7, 5), ((7, 5), 5), (11, 6)),
        *((9, 7), (7, 7), ((7, 5), 7), (9, 4)),
        *((7, 4), ((7, 5), 4), (11, 4), ((5, 3), 6)),
        *((9, 8), (7, 8), ((7, 5), 8), (11, 7)),
        *((11, 8), ((5, 3), 8)),
    ),
    prune_from=9,
    prune_steps=4000,
    search_sweeps=3,
    signal_bits=tuple(range(9, 14)),
    trained_bits=11,
    gains=(0.7, 0.85, 1.0, 1.15),
    levels=(21.5, 21.9, 22.1, 22.3),
    candidates=12,
    gate_samples=512,
)

_SMALL = Sweep(
    base=CONFIGS["small"],
    ls_taps=(7, 9, 11),
    ls_bits=(6, 8),
    learned=((7, 6),),
    prune_from=7,
    prune_steps=100,
    search_sweeps=1,
    signal_bits=(10, 12),
    trained_bits=11,
    gains=(0.85, 1.0),
    levels=(15.0,),
    candidates=4,
    gate_samples=256,
)

SWEEPS = {"isit": _ISIT, "small": _SMALL}
