"""What is trained: arms, and studies of many runs of them."""

import dataclasses

from keras_bp.losses import SpectralPenalty


@dataclasses.dataclass(frozen=True)
class Arm:
    """What the loss of a generator has beside that of the GAN.

    Attributes:
        likelihood_weight: Float, as of `SpectralGAN`; negative raises the
            entropy.
        penalty: Tuple of arguments of `SpectralPenalty`, or None.
    """

    likelihood_weight: float = 0.0
    penalty: tuple | None = None

    @property
    def is_plain(self):
        return not self.likelihood_weight and self.penalty is None

    def made_penalty(self):
        return None if self.penalty is None else SpectralPenalty(*self.penalty)


ARMS = {
    "none": Arm(),
    **{f"likelihood {w:g}": Arm(w) for w in (0.1, 0.01, -0.01, -0.03, -0.1)},
    **{
        f"{target} {w:g}": Arm(penalty=(target, w, value))
        for target, value in (("isometry", "mean"), ("condition", None))
        for w in (0.01, 0.03, 0.1, 0.3)
    },
}


@dataclasses.dataclass(frozen=True)
class Study:
    """Runs of several arms and seeds, and how much is measured of each.

    Attributes:
        name: String.
        needs_mnist: Boolean.
        neuron: String, `"real"` for gray images or `"dbn"` for bits.
        arms: Tuple of names of `ARMS`, `"none"` the first.
        seeds: Integer.
        latents: Integer, dimensions.
        width: Integer, of the hidden layers.
        batch: Integer.
        epochs: Integer.
        samples: Integer, generated images of the measures of quality.
        spectra: Integer, latents whose spectra are taken.
        held_out: Integer, test images that are inverted.
        climbed: Integer, latents from which the likelihood is climbed.
        walked: Integer, latents from which directions are followed.
    """

    name: str
    needs_mnist: bool
    neuron: str
    arms: tuple
    seeds: int
    latents: int
    width: int
    batch: int
    epochs: int
    samples: int
    spectra: int
    held_out: int
    climbed: int
    walked: int

    def runs(self):
        """All runs, in an order in which a cut study is of use."""
        return [
            Run(arm, seed) for seed in range(self.seeds) for arm in self.arms
        ]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training."""

    arm: str
    seed: int

    @property
    def name(self):
        return f"{self.arm} {self.seed}".replace(" ", "_")


_DIGITS = Study(
    name="digits",
    needs_mnist=False,
    neuron="real",
    arms=("none", "likelihood 0.01", "condition 0.1"),
    seeds=6,
    latents=8,
    width=64,
    batch=64,
    epochs=40,
    samples=1000,
    spectra=128,
    held_out=40,
    climbed=24,
    walked=24,
)
_MNIST = dataclasses.replace(
    _DIGITS,
    name="mnist",
    needs_mnist=True,
    arms=(
        "none",
        "likelihood 0.01",
        "likelihood -0.03",
        "isometry 0.03",
        "condition 0.1",
    ),
    seeds=4,
    latents=16,
    width=256,
    batch=128,
    epochs=5,
    samples=5000,
    spectra=256,
    held_out=100,
    climbed=64,
    walked=64,
)
_BINARY = dataclasses.replace(
    _MNIST,
    name="binary",
    neuron="dbn",
    arms=("none", "likelihood -0.03", "condition 0.1"),
)
STUDIES = {study.name: study for study in (_DIGITS, _MNIST, _BINARY)}
