"""What is trained: runs, and studies of many of them."""

import dataclasses

from keras_bp.ops import binary_estimators

# Chung, Ahn and Bengio's factor of an epoch, which Dong and Yang take over.
_ANNEALING = 1.1


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a run differs from the paper as written.

    Args:
        estimator: String, as in `keras_bp.layers.BinaryNeuron`, or a cost
            estimator of `keras_bp.layers.StochasticNode`.
        slope: Float, at the beginning.
        slope_factor: Float, of an epoch.
        batch_norm: String, as in `binary_gan_networks`.
        discriminator_batch_norm: String or None, for the objective "gan".
        fresh_latents: Boolean, as in `BinaryGAN`.
    """

    estimator: str = "sigmoid_adjusted"
    slope: float = 1.0
    slope_factor: float = _ANNEALING
    batch_norm: str = "batch"
    discriminator_batch_norm: str | None = "batch"
    fresh_latents: bool = True


VARIANTS = {
    "paper": Variant(),
    # What the published code does: annealing reaches no neuron, batch
    # normalization stays in inference mode, a batch has one set of latents.
    "published": Variant(
        slope_factor=1.0,
        batch_norm="inert",
        discriminator_batch_norm="inert",
        fresh_latents=False,
    ),
    "slope1": Variant(slope_factor=1.0),
    "slope4": Variant(slope=4.0, slope_factor=1.0),
    "reinmax": Variant(estimator="reinmax"),
    "straight_through": Variant(estimator="straight_through"),
    "gumbel": Variant(estimator="gumbel"),
    # A node has no slope to anneal.
    "rloo": Variant(estimator="rloo", slope=4.0, slope_factor=1.0),
    "disarm": Variant(estimator="disarm", slope=4.0, slope_factor=1.0),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Args:
        preset: String, "mlp" or "cnn".
        neuron: String, "dbn", "sbn" or "real".
        objective: String, as in `BinaryGAN`.
        variant: String, of `VARIANTS`.
        seed: Integer.
        epochs: Integer, after which it ends.
    """

    preset: str
    neuron: str
    objective: str = "wgan-gp"
    variant: str = "paper"
    seed: int = 0
    epochs: int = 20

    @property
    def kind(self):
        """What all seeds have in common."""
        return f"{self.preset} {self.objective} {self.neuron} {self.variant}"

    @property
    def name(self):
        return f"{self.kind} {self.seed}".replace(" ", "-")


def run_of(stem):
    """The `Run` that a file belongs to, or None."""
    parts = stem.replace("wgan-gp", "wgangp").split("-")
    if len(parts) != 5 or not parts[-1].isdigit():
        return None
    preset, objective, neuron, variant, seed = parts
    objective = objective.replace("wgangp", "wgan-gp")
    return Run(preset, neuron, objective, variant, int(seed))


def seeds(run, count):
    """A run with each of several seeds."""
    return [dataclasses.replace(run, seed=seed) for seed in range(count)]


def _mnist():
    """The comparison, in an order in which a cut one is of use."""
    neurons = ("dbn", "sbn", "real")
    found = [Run("mlp", neuron) for neuron in neurons]
    found += [Run("cnn", neuron, epochs=5) for neuron in neurons]
    found += [Run("mlp", x, variant="published") for x in neurons]
    found += [Run("mlp", x, variant="slope4") for x in neurons]
    found += [Run("mlp", x, variant="slope1") for x in ("dbn", "sbn")]
    for variant in ("slope4", "published"):
        found += [
            Run("cnn", x, variant=variant, epochs=5) for x in ("dbn", "sbn")
        ]
    for variant in ("paper", "published"):
        for objective in ("gan", "wgan"):
            found += [Run("mlp", x, objective, variant) for x in ("dbn", "sbn")]
    found += [Run("mlp", "sbn", variant="reinmax")]
    found += [Run("cnn", x) for x in ("dbn", "sbn")]
    for seed in (1, 2):
        found += [Run("mlp", neuron, seed=seed) for neuron in neurons]
    found += [Run("cnn", neuron, seed=1, epochs=5) for neuron in neurons]
    found += [Run("mlp", x, variant="straight_through") for x in ("dbn", "sbn")]
    for variant in ("gumbel", "disarm", "rloo"):
        found += [Run("mlp", "sbn", variant=variant)]
    return found


def _mnist_seeds():
    """The same with more seeds, and convolutions to the end, for a GPU."""
    neurons = ("dbn", "sbn", "real")
    kinds = [Run("mlp", neuron) for neuron in neurons]
    kinds += [Run("mlp", x, variant="slope4") for x in neurons]
    kinds += [Run("mlp", x, variant="slope1") for x in ("dbn", "sbn")]
    first = [Run("cnn", neuron) for neuron in neurons]
    later = [Run("mlp", x, variant="published") for x in neurons]
    for variant in ("paper", "published"):
        for objective in ("gan", "wgan"):
            later += [Run("mlp", x, objective, variant) for x in ("dbn", "sbn")]
    later += [Run("mlp", "sbn", variant="reinmax")]
    later += [Run("mlp", x, variant="straight_through") for x in ("dbn", "sbn")]
    later += [Run("mlp", "sbn", variant="gumbel")]
    found = [x for run in kinds for x in seeds(run, 3)] + first
    found += [x for run in later for x in seeds(run, 3)]
    found += [dataclasses.replace(run, seed=1) for run in first]
    for variant in ("slope4", "published"):
        found += [Run("cnn", x, variant=variant) for x in ("dbn", "sbn")]
    return found


STUDIES = {
    # In under two minutes.
    "digits": [Run("mlp", x, epochs=10) for x in ("dbn", "sbn", "real")],
    "mnist": _mnist(),
    "mnist-seeds": _mnist_seeds(),
}


# Of what has no neuron: a slope is all that differs.
_OF_REAL = ("paper", "published", "slope1", "slope4")


def is_local(variant):
    """Whether a `Variant` trains a neuron, and not a node by its cost."""
    return variant.estimator in binary_estimators()


def known_variants(neuron):
    """The names of `VARIANTS` that an end of a generator can have."""
    if neuron == "real":
        return _OF_REAL
    if neuron == "sbn":
        return tuple(VARIANTS)
    known = binary_estimators("deterministic")
    return tuple(x for x, kind in VARIANTS.items() if kind.estimator in known)


def check(run, is_mnist):
    """Raises unless a run can be made."""
    for name, value, known in (
        ("--preset", run.preset, ("mlp", "cnn")),
        ("--neuron", run.neuron, ("dbn", "sbn", "real")),
        ("--objective", run.objective, ("gan", "wgan", "wgan-gp")),
        ("--variant", run.variant, tuple(VARIANTS)),
    ):
        if value not in known:
            raise ValueError(
                f"This example expects {name} to be of {sorted(known)}. "
                f"Received: {value!r}"
            )
    known = known_variants(run.neuron)
    if run.variant not in known:
        raise ValueError(
            f"This example expects --variant of {run.neuron} to be of "
            f"{sorted(known)}. Received: {run.variant!r}"
        )
    if run.preset == "cnn" and not is_mnist:
        raise ValueError(
            "The preset cnn makes images of 28x28 pixels: it needs mnist.npz "
            "from --data_dir or KERAS_BP_DATA"
        )
