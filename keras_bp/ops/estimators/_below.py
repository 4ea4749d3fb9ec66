"""What the nodes below take, where a cost has to be differentiable."""


def mean_field(distribution, noise):
    """The mean."""
    if distribution.name == "categorical":
        _refuse(distribution, "mean", "one_hot")
    return distribution.mean()


def relaxed(temperature):
    """A function to the relaxed sample, or the sample where it has a path."""

    def sample(distribution, noise):
        if distribution.reparameterized:
            return distribution.sample(noise)
        if distribution.name not in ("bernoulli", "one_hot"):
            _refuse(distribution, "relaxation", "one_hot")
        continuous = distribution.continuous(noise)
        return distribution.soften(continuous, temperature)

    return sample


def _refuse(distribution, lacks, instead):
    raise ValueError(
        "The control variate of a node above needs costs that are "
        f"differentiable, and a node of {distribution.name} distribution has "
        f"no {lacks}. Use the distribution {instead!r}, or another estimator "
        "above, such as 'rloo'"
    )
