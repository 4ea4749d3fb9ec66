"""What is compared, and for how long."""

import dataclasses

# Arguments of `keras_bp.layers.StochasticNode`. "score" is NVIL-like: of NVIL
# it lacks the division of the signal by its deviation, and its baseline is a
# network of the logits of the node and not of the image.
ESTIMATORS = {
    "score": {"estimator": "score", "baseline": "learned"},
    "rloo": {"estimator": "rloo", "samples": 2},
    "disarm": {"estimator": "disarm"},
    "muprop": {"estimator": "muprop", "baseline": "learned"},
    "rebar": {"estimator": "rebar", "temperature": 0.5},
    "relax": {"estimator": "relax", "temperature": 0.5},
}


@dataclasses.dataclass(frozen=True)
class Config:
    """A comparison of estimators.

    Args:
        mnist: Boolean, whether it needs MNIST.
        train_images: Integer, at most so many, the first ones.
        test_images: Integer, in the same way.
        layers: Tuple of integers, those of the belief networks.
        units: Integer, bits of a layer.
        seeds: Integer.
        steps: Integer, training steps of a run.
        every: Integer, steps between two evaluations.
        curve_images: Integer, images of an evaluation, the first ones of both
            sets; at the end all test images are taken.
        checkpoints: Tuple of integers, multiples of `every`: the steps of the
            run `reference` at whose weights all estimators are measured.
        reference: String, a key of `ESTIMATORS`; the run of seed 0.
        batch: Integer.
        rate: Float, of Adam.
        tuning_steps: Integer, for which baselines and control variates learn
            at those weights before they are measured.
        tuning_rate: Float, of Adam.
        pairs: Integer, pairs of gradients from which a variance is made.
        bound_samples: Integer, samples of the bound at the end.
        bound_images: Integer, test images for it, the first ones.
        compiled: Boolean, whether steps are compiled by XLA.
    """

    mnist: bool
    train_images: int
    test_images: int
    layers: tuple
    units: int
    seeds: int
    steps: int
    every: int
    curve_images: int
    checkpoints: tuple
    reference: str
    batch: int
    rate: float
    tuning_steps: int
    tuning_rate: float
    pairs: int
    bound_samples: int
    bound_images: int
    compiled: bool


# Batch and rate are those of the runs that the code of REBAR reports
# (Tucker et al., 2017): 24, and 3e-4 for 200 bits.
_MNIST = Config(
    mnist=True,
    train_images=50_000,
    test_images=10_000,
    layers=(1, 2),
    units=200,
    seeds=2,
    steps=20_000,
    every=1000,
    curve_images=5000,
    checkpoints=(1000, 5000, 20_000),
    reference="disarm",
    batch=24,
    rate=3e-4,
    tuning_steps=500,
    tuning_rate=1e-3,
    pairs=500,
    bound_samples=100,
    bound_images=2000,
    compiled=True,
)

CONFIGS = {
    "mnist": _MNIST,
    "small": dataclasses.replace(
        _MNIST,
        mnist=False,
        train_images=1400,
        test_images=300,
        layers=(1,),
        units=20,
        seeds=1,
        steps=300,
        every=100,
        curve_images=300,
        checkpoints=(300,),
        rate=3e-3,
        tuning_steps=100,
        pairs=100,
        bound_images=300,
        # Compiling would take longer than all steps.
        compiled=False,
    ),
}
