"""How large the experiments are."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of all experiments.

    Attributes:
        depths: Tuple of integers, convolutions of random networks.
        filters: Integer, of each convolution.
        numbers: Tuple of integers, filters of one random layer.
        units: Tuple of integers, of fully connected layers.
        count: Integer, images that maps are drawn of.
        few: Integer, images for large layers.
        depth, trained_filters, epochs: Integers, of trained networks.
        epsilons: Tuple of floats, steps of the adversary, in deviations.
        seeds: Integer.
    """

    depths: tuple
    filters: int
    numbers: tuple
    units: tuple
    count: int
    few: int
    depth: int
    trained_filters: int
    epochs: int
    epsilons: tuple
    seeds: int


CONFIGS = {
    "small": Config(
        depths=(1, 3, 8),
        filters=32,
        numbers=(16, 64, 256, 1024),
        units=(64, 4096),
        count=24,
        few=6,
        depth=3,
        trained_filters=16,
        epochs=3,
        epsilons=(0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
        seeds=2,
    ),
    "paper": Config(
        depths=(1, 2, 4, 8, 16),
        filters=64,
        numbers=(16, 64, 256, 1024, 4096),
        units=(64, 1024, 16384, 70000),
        count=64,
        few=8,
        depth=3,
        trained_filters=32,
        epochs=6,
        epsilons=(0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
        seeds=5,
    ),
}
