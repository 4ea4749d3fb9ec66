"""The distributions that a stochastic node draws from by itself."""

import itertools
import math

import numpy as np
from keras import ops

from keras_bp.ops._gradients import value_and_gradient

# Half a step of the grid of uniform noise: logarithms stay finite.
_TINY = 2.0**-25
_HUGE = 1e30  # Infinity times a derivative of 0 would be NaN.
MAX_STATES = 2**16


class NodeDistribution:
    """A distribution at given parameters, batch first.

    Noise is drawn once and can be used again, at other parameters.

    Args:
        params: List of float tensors, float32 or float64.
        event_ndims: Integer, trailing axes of a sample that are one event;
            `log_prob` sums over them.
    """

    name = None
    reparameterized = False

    def __init__(self, params, event_ndims):
        self.params = list(params)
        self.event_ndims = event_ndims

    def with_params(self, params):
        """The same distribution at other parameters."""
        return type(self)(params, self.event_ndims)

    def detached(self):
        """The same distribution, through which no gradient flows."""
        return self.with_params([ops.stop_gradient(x) for x in self.params])

    def log_prob(self, value):
        """Log-probability of each event, batch and units."""
        each = self._log_prob(value)
        axes = tuple(range(len(each.shape) - self.event_ndims, len(each.shape)))
        return ops.sum(each, axis=axes) if axes else each

    def joint_log_prob(self, value):
        """Log-probability of all units of an example, shape `(batch,)`."""
        return sum_units(self.log_prob(value))

    def score(self, value):
        """Gradient of the log-probability in each of `params`."""
        _, gradients = value_and_gradient(
            lambda *params: (
                self.with_params(params).joint_log_prob(value),
                (),
            ),
            self.params,
        )
        return gradients

    def states(self):
        raise ValueError(
            f"The states of a {self.name} distribution cannot be counted, so "
            "that it cannot be enumerated. Use another estimator, or the "
            "method 'monte_carlo' of gradient_check."
        )


class _OfLogits(NodeDistribution):
    """What one tensor of logits and uniform noise of its shape decide."""

    @property
    def logits(self):
        return self.params[0]

    def noise(self, source):
        return source.uniform(ops.shape(self.logits))


class Bernoulli(_OfLogits):
    """Bits from logits: 1 where the noise is below the probability."""

    name = "bernoulli"

    def sample(self, noise):
        return fires(noise, self.mean())

    def _log_prob(self, value):
        return value * self.logits - ops.softplus(self.logits)

    def score(self, value):
        return [value - self.mean()]

    def mean(self):
        return ops.sigmoid(self.logits)

    def mode(self):
        bits = ops.cast(self.logits > 0, self.logits.dtype)
        return _show_nan(bits, self.logits)

    def states(self):
        bits = [(0.0, 1.0)] * _num_units(self.logits, self.name)
        return _all_states(bits, self.logits.shape[1:], self.logits.dtype)

    def continuous(self, noise):
        """The variable whose sign is the bit: above zero where it is 1."""
        u = ops.clip(noise, _TINY, 1 - _TINY)
        return self.logits - (ops.log(u) - ops.log1p(-u))

    def conditional(self, value, noise):
        """`continuous`, given the bit."""
        u = ops.clip(noise, _TINY, 1 - _TINY)
        logistic = ops.log(u) - ops.log1p(-u)
        # Noise of u p below p and of p + u (1 - p) above it, without the
        # rounding of either: never on the wrong side, at any logit.
        above = ops.softplus(ops.softplus(self.logits) - logistic)
        below = -ops.softplus(ops.softplus(-self.logits) + logistic)
        return value * above + (1 - value) * below

    @staticmethod
    def soften(continuous, temperature):
        return ops.sigmoid(_finite(continuous) / temperature)


class OneHot(_OfLogits):
    """One-hot vectors along the last axis, by the largest of logit + noise."""

    name = "one_hot"

    def sample(self, noise):
        return self._show_nan(ops.argmax(self.continuous(noise), axis=-1))

    def _show_nan(self, index):
        total = ops.sum(self.logits, axis=-1, keepdims=True)
        return _show_nan(self._one_hot(index), total)

    def _one_hot(self, index):
        classes = self.logits.shape[-1]
        return ops.one_hot(index, classes, dtype=self.logits.dtype)

    def _log_prob(self, value):
        each = value * ops.log_softmax(self.logits, axis=-1)
        # A logit of -inf forbids a class.
        return ops.where(value == 0, ops.zeros_like(each), each)

    def score(self, value):
        return [value - self.mean()]

    def mean(self):
        return ops.softmax(self.logits, axis=-1)

    def mode(self):
        return self._show_nan(ops.argmax(self.logits, axis=-1))

    def states(self):
        *units, classes = self.logits.shape[1:]
        count = _num_units(self.logits, self.name) // (classes or 1)
        index = _all_states([tuple(range(classes))] * count, units, "int32")
        return self._one_hot(index)

    def continuous(self, noise):
        """Logits and Gumbel noise: the class is where it is largest."""
        return self.logits + _gumbel(noise)

    def conditional(self, value, noise):
        """`continuous`, given the class."""
        log_p = ops.log_softmax(self.logits, axis=-1)
        top = ops.sum(value * _gumbel(noise), axis=-1, keepdims=True)
        # The largest of all classes is Gumbel at the sum of exp(logits); the
        # others are Gumbel, cut off at it.
        below = -ops.logaddexp(-(log_p + _gumbel(noise)), -top)
        # Back to the scale of the logits.
        scale = ops.logsumexp(self.logits, axis=-1, keepdims=True)
        return value * top + (1 - value) * below + scale

    @staticmethod
    def soften(continuous, temperature):
        return ops.softmax(_finite(continuous) / temperature, axis=-1)


class Categorical(OneHot):
    """Class numbers, integers, from logits along the last axis."""

    name = "categorical"

    def sample(self, noise):
        return ops.argmax(self.continuous(noise), axis=-1)

    def _log_prob(self, value):
        return ops.sum(super()._log_prob(self._one_hot(value)), axis=-1)

    def score(self, value):
        return super().score(self._one_hot(value))

    def mean(self):
        return ops.softmax(self.logits, axis=-1)

    def mode(self):
        return ops.argmax(self.logits, axis=-1)

    def states(self):
        return ops.argmax(super().states(), axis=-1)


class Normal(NodeDistribution):
    """Independent normal units, of a mean and a standard deviation."""

    name = "normal"
    reparameterized = True

    @property
    def loc(self):
        return self.params[0]

    @property
    def scale(self):
        return self.params[1]

    def noise(self, source):
        u = source.uniform(ops.shape(self.loc + self.scale))
        # On the middle of the steps of its grid, so that it is symmetric; by
        # the lower half alone, since float32 has erfinv(1 - 2^-24) infinite.
        low = u < 0.5
        u = ops.where(low, u, 1 - 2 * _TINY - u)
        z = math.sqrt(2) * ops.erfinv(2 * u - 1 + 2 * _TINY)
        return ops.where(low, z, -z)

    def sample(self, noise):
        return self.loc + self.scale * noise

    def _log_prob(self, value):
        z = (value - self.loc) / self.scale
        constant = 0.5 * math.log(2 * math.pi)
        return -0.5 * ops.square(z) - ops.log(self.scale) - constant

    def mean(self):
        return self.loc + ops.zeros_like(self.scale)

    def mode(self):
        return self.mean()


class MultivariateNormalDiag(Normal):
    """Normal units that are one event along the last axis."""

    name = "mvn_diag"


NODE_DISTRIBUTIONS = {
    cls.name: cls
    for cls in (Bernoulli, Categorical, OneHot, Normal, MultivariateNormalDiag)
}


def fires(noise, probability):
    """1 where the noise is below the probability; a NaN stays."""
    bits = ops.cast(noise < probability, probability.dtype)
    return _show_nan(bits, probability)


def _show_nan(value, source):
    return ops.where(ops.isnan(source), source, value)


def _finite(x):
    return ops.where(ops.isinf(x), _HUGE * ops.sign(x), x)


def sum_units(x):
    """Sums over all axes but the first."""
    axes = tuple(range(1, len(x.shape)))
    return ops.sum(x, axis=axes) if axes else x


def _gumbel(noise):
    return -ops.log(-ops.log(ops.clip(noise, _TINY, 1 - _TINY)))


def _num_units(tensor, name):
    units = tensor.shape[1:]
    if any(size is None for size in units):
        raise ValueError(
            f"A {name} distribution can be enumerated where its shape is "
            f"known. Received: shape={tuple(tensor.shape)}"
        )
    return math.prod(units)


def _all_states(unit_states, shape, dtype):
    count = math.prod(len(states) for states in unit_states)
    if count > MAX_STATES:
        raise ValueError(
            f"Enumeration goes through at most {MAX_STATES} states of a node. "
            f"Received: {len(unit_states)} units with {count} states together"
        )
    table = np.array(list(itertools.product(*unit_states)))
    return ops.convert_to_tensor(table.reshape(count, *shape), dtype)
