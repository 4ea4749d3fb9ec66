"""A distribution of TensorFlow Probability behind the interface of a node."""

from keras_bp.ops._node_distributions import NodeDistribution


class TFPDistribution(NodeDistribution):
    """What a function of the parameters returns.

    The noise is a seed: drawn from once more, with other parameters, it gives
    a sample that is coupled to the first as far as the sampler allows.

    Args:
        params: List of float tensors.
        event_ndims: Integer, trailing axes of the *batch* of the distribution
            that are one event with its own event axes.
        make: Function from `params` to a `tfp.distributions.Distribution`.
    """

    name = "callable"

    def __init__(self, params, event_ndims, make):
        super().__init__(params, event_ndims)
        self._make = make
        self.made = make(*params)

    def with_params(self, params):
        return TFPDistribution(params, self.event_ndims, self._make)

    @property
    def reparameterized(self):
        return reparameterized(self.made)

    def noise(self, source):
        return source.seed()

    def sample(self, noise):
        return self.made.sample(seed=noise)

    def _log_prob(self, value):
        return self.made.log_prob(value)

    def mean(self):
        return self.made.mean()

    def mode(self):
        return self.made.mode()


def reparameterized(made):
    """Whether the path derivative of samples is defined."""
    import tensorflow_probability as tfp

    fully = tfp.distributions.FULLY_REPARAMETERIZED
    return made.reparameterization_type == fully
