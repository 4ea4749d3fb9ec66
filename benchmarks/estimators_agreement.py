"""Whether all estimators estimate the same gradient, by enumeration.

The network of `estimators_networks` with 3 bits and 4 pixels: its gradient is
a sum over 8 states, or over pairs of them for a bound by two samples. What is
compared are the biases of encoder and decoder and the logits of the prior.
"""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf

from benchmarks import estimators_networks as networks
from benchmarks import estimators_rivals as rivals

SIZES = networks.Sizes(batch=500, pixels=4, units=3)
PLACES = ("encoder", "decoder", "prior")


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far the mean of many estimates is from the gradient.

    Attributes:
        z: Float, the largest distance of a component, in standard errors.
        distances: Dictionary from a place to the length of the difference,
            relative to that of the gradient there.
    """

    z: float
    distances: dict


def weights(seed=0):
    """Kernels and biases of encoder and decoder, and the prior."""
    rng = np.random.default_rng(seed)
    pixels, units = SIZES.pixels, SIZES.units
    shapes = [(pixels, units), (units,), (units, pixels), (pixels,), (units,)]
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def image():
    return np.array([1, 0, 1, 1], "float64")


def exact(bound=False):
    """The gradient of the expected cost, or of the bound by two samples.

    Args:
        bound: Boolean.

    Returns:
        List of arrays, in the order of `PLACES`.
    """
    kernel, bias, out, out_bias, prior = (
        x.astype("float64") for x in weights()
    )
    logits = image() @ kernel + bias
    states = np.array(list(itertools.product((0.0, 1.0), repeat=SIZES.units)))
    likely = (2 * states - 1) @ out + out_bias
    log_q = -_nll(states, logits)
    cost = _nll(image(), likely) + _nll(states, prior) + log_q
    score = states - _sigmoid(logits)
    # What the cost of each state has as derivatives, in the same order.
    slopes = [score, _sigmoid(likely) - image(), _sigmoid(prior) - states]
    q = np.exp(log_q)
    if not bound:
        # On average the score of q itself is zero.
        slopes[0] = score * cost[:, None]
        return [q @ slope for slope in slopes]
    first, second = np.indices((len(states),) * 2).reshape(2, -1)
    pair = np.stack([-cost[first], -cost[second]])
    total = np.logaddexp(*pair)
    share = q[first] * q[second] * np.exp(pair - total)
    found = [share[0] @ x[first] + share[1] @ x[second] for x in slopes]
    value = q[first] * q[second] * (np.log(2) - total)
    found[0] += value @ (score[first] + score[second])
    return found


def ours(name, repeats):
    """Estimates of the gradient by one of our estimators.

    Args:
        name: String, a key of `ESTIMATORS`.
        repeats: Integer.

    Returns:
        List of lists of arrays.
    """
    model = networks.stochastic_network(SIZES, name)
    model = networks.compiled(model)
    dense = [model.get_layer(x) for x in ("encoder", "decoder")]
    prior = model.get_layer("prior")
    kept = [*dense[0].weights, *dense[1].weights, prior.logits]
    for weight, value in zip(kept, weights(), strict=True):
        weight.assign(value)
    wanted = [dense[0].bias, dense[1].bias, prior.logits]

    @tf.function(autograph=False)
    def gradients(x):
        with tf.GradientTape() as tape:
            surrogate = model.surrogate(x, update=True).surrogate
        return tape.gradient(surrogate, wanted)

    x = tf.constant(_images())
    return [[g.numpy() for g in gradients(x)] for _ in range(repeats)]


def theirs(name, repeats):
    """Estimates by Storchastic; arguments as in `ours`."""
    rival = rivals.Rival(SIZES, name)
    rival.set_weights(weights())
    rival.set_images(_images())
    return [rival.gradients() for _ in range(repeats)]


def agreement(estimates, wanted):
    """Compares estimates with a gradient.

    Args:
        estimates: List of lists of arrays.
        wanted: List of arrays.

    Returns:
        `Agreement`.
    """
    z, distances = 0.0, {}
    columns = zip(*estimates, strict=True)
    for place, found, due in zip(PLACES, columns, wanted, strict=True):
        found = np.asarray(found, "float64")
        error = found.mean(axis=0) - due
        # The gradient of the prior has no noise where all bits are means.
        deviation = found.std(axis=0, ddof=1) + 1e-7
        z = max(z, np.max(np.abs(error) / deviation) * len(found) ** 0.5)
        distances[place] = float(np.linalg.norm(error) / np.linalg.norm(due))
    return Agreement(float(z), distances)


def _images():
    return np.tile(image().astype("float32"), (SIZES.batch, 1))


def _nll(bits, logits):
    return np.sum(np.logaddexp(0, logits) - bits * logits, axis=-1)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))
