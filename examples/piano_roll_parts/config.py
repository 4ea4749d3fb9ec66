"""What is trained, and for how long."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Config:
    """A comparison of generators of piano-rolls.

    Args:
        jsb: Boolean, whether it needs the chorales of JSB_Chorales.mat.
        steps: Integer, time steps of a window, a multiple of 4.
        hop: Integer, steps between the starts of two training windows; those
            that are held out do not overlap.
        seeds: Integer.
        epochs: Integer, of the real-valued generator before it is refined.
        more_epochs: Integer, of its refinement. What is trained from scratch
            has all epochs.
        batch: Integer.
        critic_steps: Integer, for each step of the generator.
        first: Tuple of two integers: so many of the first batches have so
            many steps of the critic.
        rate: Float, of Adam, for both networks, at the beginning of a run.
        last_rate: Float, to which it falls linearly until the end.
        width: Integer, filters of the narrowest layers.
        refiner_filters: Integer.
        refiners: Tuple of strings, the neurons of the refiners.
        samples: Integer, generated windows that are measured.
    """

    jsb: bool
    steps: int
    hop: int
    seeds: int
    epochs: int
    more_epochs: int
    batch: int
    critic_steps: int
    first: tuple
    rate: float
    last_rate: float
    width: int
    refiner_filters: int
    refiners: tuple
    samples: int


_JSB = Config(
    jsb=True,
    steps=16,
    hop=1,
    seeds=3,
    epochs=12,
    more_epochs=6,
    batch=32,
    critic_steps=3,
    first=(10, 20),
    rate=1e-3,
    last_rate=1e-4,
    width=64,
    refiner_filters=64,
    refiners=("dbn", "sbn"),
    samples=1000,
)

CONFIGS = {
    "jsb": _JSB,
    "small": dataclasses.replace(
        _JSB,
        jsb=False,
        hop=4,
        seeds=1,
        epochs=4,
        more_epochs=2,
        width=24,
        refiner_filters=24,
        refiners=("dbn",),
        samples=300,
    ),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Args:
        kind: String, `"end-to-end"`, `"pretrained"`, or what goes on from the
            pretrained one: `"two-stage"` or `"joint"`.
        neuron: String, `"dbn"`, `"sbn"` or `"real"`.
        seed: Integer.
    """

    kind: str
    neuron: str
    seed: int

    @property
    def name(self):
        return f"{self.kind}-{self.neuron}-{self.seed}"

    @property
    def goes_on(self):
        """Whether it begins with the networks of the pretrained run."""
        return self.kind in ("two-stage", "joint")


def runs(config, seeds):
    """All runs of a configuration, each after the one that it goes on from."""
    kinds = [("pretrained", "real")]
    kinds += [("end-to-end", neuron) for neuron in ("dbn", "sbn", "real")]
    kinds += [(x, y) for y in config.refiners for x in ("two-stage", "joint")]
    return [Run(*kind, seed) for seed in seeds for kind in kinds]
