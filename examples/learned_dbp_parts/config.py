"""The set-ups of the example."""

import dataclasses

from keras_bp.optics import FiberLink


@dataclasses.dataclass(frozen=True)
class Config:
    """A link, and how much is simulated and trained on it.

    `aims` maps the name of a row to what it is held to, in dB.
    """

    link: FiberLink
    simulation_steps: int
    train_blocks: int
    test_blocks: int
    qam_blocks: int
    symbols: int
    num_taps: int
    steps: int
    batch: int
    bits: tuple
    signal_bits: int
    closing_every: int
    closing_blocks: int
    sweeps: int
    prune_steps: int
    reference_taps: tuple
    reference_bits: tuple
    seeds: int
    powers: tuple
    aims: dict


_ISIT = Config(
    link=FiberLink.isit(),
    simulation_steps=25,
    train_blocks=2000,
    test_blocks=300,
    qam_blocks=651,
    symbols=256,
    num_taps=9,
    steps=1500,
    batch=100,
    bits=(6, 5),
    signal_bits=10,
    closing_every=10,
    closing_blocks=100,
    sweeps=8,
    prune_steps=20_000,
    reference_taps=(9, 11, 13, 15),
    reference_bits=(6, 8),
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
    symbols=128,
    num_taps=7,
    steps=150,
    batch=20,
    bits=(6,),
    signal_bits=10,
    closing_every=4,
    closing_blocks=20,
    sweeps=1,
    prune_steps=400,
    reference_taps=(7, 9),
    reference_bits=(6,),
    seeds=1,
    powers=(2.0, 4.0, 6.0),
    aims={},
)

CONFIGS = {"isit": _ISIT, "small": _SMALL}
