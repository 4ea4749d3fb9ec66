"""The set-ups of the example."""

import dataclasses

from keras_bp.optics import FiberLink


@dataclasses.dataclass(frozen=True)
class Config:
    """A link, and how much is simulated and trained on it.

    `train_powers` are those of the training blocks, in dBm, or None for that
    of the link. `fair` gives the taps and the bits of the filters by design
    that are swept over the power. `input_gain` is that ahead of the first
    rounding of a signal. With `prune_first` it is the pruned model
    that is rounded. `aims` maps the name of a row to what it is held to, in dB.
    """

    link: FiberLink
    simulation_steps: int
    train_blocks: int
    test_blocks: int
    qam_blocks: int
    sweep_blocks: int
    qam: int
    symbols: int
    train_powers: tuple | None
    num_taps: int
    bandwidth: float
    power_taps: int
    rate: float
    steps: int
    batch: int
    bits: tuple
    signal_bits: int
    input_gain: float
    closing_every: int
    closing_blocks: int
    sweeps: int
    prune_steps: int
    prune_to: tuple
    prune_first: bool
    reference_taps: tuple
    reference_bits: tuple
    fair: tuple
    seeds: int
    powers: tuple
    aims: dict


_ISIT = Config(
    link=FiberLink.isit(),
    simulation_steps=25,
    train_blocks=2000,
    test_blocks=300,
    qam_blocks=651,
    sweep_blocks=651,
    qam=64,
    symbols=256,
    train_powers=None,
    num_taps=9,
    bandwidth=0.6,
    power_taps=1,
    rate=4e-3,
    steps=1500,
    batch=50,
    bits=(6, 5),
    signal_bits=10,
    input_gain=0.85,
    closing_every=20,
    closing_blocks=100,
    sweeps=8,
    prune_steps=20_000,
    prune_to=(5, 3),
    prune_first=False,
    reference_taps=(9, 11, 13, 15),
    reference_bits=(6, 8),
    fair=(11, 8),
    seeds=3,
    powers=(-2.0, -1.0, 0.0, 1.0, 2.0),
    aims={
        "learned 9 taps": ">= 22.5",
        "learned 9 taps/6 bit": ">= 22.5",
        "learned 9 taps/5 bit": ">= 21.4",
        "learned 9 taps/6 bit, 10-bit signal": ">= 22.3",
        "learned 9 taps/5 bit, 10-bit signal": ">= 21.4",
    },
)

_SMALL = Config(
    link=FiberLink.isit(num_spans=4, launch_power=4.0),
    simulation_steps=10,
    train_blocks=100,
    test_blocks=40,
    qam_blocks=80,
    sweep_blocks=20,
    qam=64,
    symbols=128,
    train_powers=None,
    num_taps=7,
    bandwidth=0.6,
    power_taps=1,
    rate=2e-3,
    steps=150,
    batch=20,
    bits=(6,),
    signal_bits=10,
    input_gain=0.85,
    closing_every=4,
    closing_blocks=20,
    sweeps=1,
    prune_steps=400,
    prune_to=(5, 3),
    prune_first=False,
    reference_taps=(7, 9),
    reference_bits=(6,),
    fair=(9, 6),
    seeds=1,
    powers=(2.0, 4.0, 6.0),
    aims={},
)

# Both polarizations of the same link.
_DUAL = dataclasses.replace(
    _ISIT,
    link=FiberLink.isit(polarizations=2),
    test_blocks=150,
    qam_blocks=325,
    sweep_blocks=162,
    bits=(6,),
    seeds=1,
    prune_steps=0,
    aims={},
)

_ECOC = Config(
    link=FiberLink.ecoc(launch_power=3.0),
    simulation_steps=20,
    train_blocks=2000,
    test_blocks=200,
    qam_blocks=976,
    sweep_blocks=976,
    qam=16,
    symbols=256,
    train_powers=(0.0, 1.0, 2.0, 3.0, 4.0),
    num_taps=41,
    bandwidth=0.55,
    power_taps=9,
    rate=2e-3,
    steps=1500,
    batch=50,
    bits=(6,),
    signal_bits=10,
    input_gain=0.85,
    closing_every=4,
    closing_blocks=50,
    sweeps=2,
    prune_steps=6000,
    prune_to=(21, 19),
    prune_first=True,
    reference_taps=(25, 29, 31, 35, 41),
    reference_bits=(8,),
    fair=(35, 8),
    seeds=1,
    powers=(-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
    aims={},
)

CONFIGS = {"isit": _ISIT, "ecoc": _ECOC, "dual": _DUAL, "small": _SMALL}
