"""The network in which `benchmarks.estimators` times an estimator.

A linear sigmoid belief network, 784 pixels and 200 bits, with its encoder.
Its cost is the negative evidence lower bound by one sample,
log q(h|x) - log p(h) - log p(x|h).
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.ops.node_estimators import get_node_estimator
from keras_bp.training import SurrogateModel

_RATE = 3e-4

# Arguments of `StochasticNode`.
ESTIMATORS = {
    "score": {"estimator": "score"},
    "score, moving average": {
        "estimator": "score",
        "baseline": "moving_average",
    },
    "score, learned": {"estimator": "score", "baseline": "learned"},
    "score, optimal": {"estimator": "score", "baseline": "optimal"},
    "rloo": {"estimator": "rloo", "samples": 2},
    "arm": {"estimator": "arm"},
    "disarm": {"estimator": "disarm"},
    "muprop": {"estimator": "muprop"},
    "rebar": {"estimator": "rebar"},
    "relax": {"estimator": "relax"},
    "vimco": {"estimator": "vimco", "samples": 2},
    "straight_through": {"estimator": "straight_through"},
    "sigmoid_adjusted": {"estimator": "sigmoid_adjusted"},
    "st_gumbel": {"estimator": "st_gumbel"},
    "gumbel": {"estimator": "gumbel"},
    "reinmax": {"estimator": "reinmax"},
}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of a network and its data."""

    batch: int = 24
    pixels: int = 784
    units: int = 200


class PriorLogits(keras.layers.Layer):
    """Learned logits, the same for each row of the input."""

    def build(self, input_shape):
        self.logits = self.add_weight(
            name="logits", shape=(input_shape[-1],), initializer="zeros"
        )

    def call(self, inputs):
        return ops.zeros_like(inputs) + self.logits


class MeanBits(keras.layers.Layer):
    """The mean of the bits, for as many evaluations of what is below.

    Args:
        evaluations: Integer.
    """

    def __init__(self, evaluations):
        super().__init__()
        self.evaluations = evaluations

    def call(self, logits):
        return repeated(ops.sigmoid(logits), self.evaluations)


def repeated(x, evaluations):
    """The rows of a tensor, as often as they are evaluated."""
    return x if evaluations == 1 else ops.tile(x, (evaluations, 1))


def minus_log_likelihood(bits, logits):
    """-log p of bits, in nats, summed over units."""
    return ops.sum(ops.softplus(logits) - bits * logits, axis=-1)


def log_ratio(bits, q_logits, p_logits):
    """log q - log p of bits, in nats, summed over units."""
    at_q = minus_log_likelihood(bits, q_logits)
    return minus_log_likelihood(bits, p_logits) - at_q


def plain_network(sizes, evaluations=1):
    """The network with means in place of bits: backpropagation as it stands.

    Args:
        sizes: `Sizes`.
        evaluations: Integer, how often what is below the bits is evaluated
            and differentiated: what an estimator needs at least.

    Returns:
        `keras.Model`.
    """
    return _network(sizes, MeanBits(evaluations), keras.Model, evaluations)


def stochastic_network(sizes, name, seed=0):
    """The network with bits.

    Args:
        sizes: `Sizes`.
        name: String, a key of `ESTIMATORS`.
        seed: Integer.

    Returns:
        `SurrogateModel`.
    """
    node = StochasticNode("bernoulli", seed=seed, **ESTIMATORS[name])
    return _network(sizes, node, SurrogateModel)


def _network(sizes, node, model, evaluations=1):
    x = keras.Input((sizes.pixels,))
    logits = keras.layers.Dense(sizes.units, name="encoder")(x)
    bits = node(logits)
    likely = keras.layers.Dense(sizes.pixels, name="decoder")(2 * bits - 1)
    prior = PriorLogits(name="prior")(bits)
    # The score of q is zero on average, and nothing but noise; not so in a
    # bound by several samples.
    held = logits if is_bound(node) else ops.stop_gradient(logits)
    costs = [
        CostNode(minus_log_likelihood, name="minus_log_p")(
            [repeated(x, evaluations), likely]
        ),
        CostNode(log_ratio, name="log_ratio")(
            [bits, repeated(held, evaluations), prior]
        ),
    ]
    return model(x, costs)


def is_bound(node):
    """Whether the objective of a node is a bound by several samples."""
    return getattr(node, "estimator", None) == "vimco"


def compiled(model, jit_compile=False):
    """Compiles a model with Adam."""
    optimizer = keras.optimizers.Adam(_RATE)
    optimizer.build(model.trainable_variables)
    bound = any(is_bound(layer) for layer in model.layers)
    objective = {"objective": "multi_sample_bound"} if bound else {}
    model.compile(optimizer, jit_compile=jit_compile, **objective)
    return model


def evaluations(name):
    """How often an estimator evaluates what is below the bits."""
    arguments = ESTIMATORS[name]
    rule = get_node_estimator(arguments["estimator"], "bernoulli")
    return arguments.get("samples", 1) * (1 + rule.evaluations)


def images(sizes):
    """Bits of pixels, `(batch, pixels)`: what they show does not matter."""
    rng = np.random.default_rng(0)
    shape = (sizes.batch, sizes.pixels)
    return (rng.random(shape) < 0.3).astype("float32")


def step(model, sizes, jit_compile):
    """A function that does one training step and returns the loss.

    It is `train_step` of the model, as `fit` calls it, without the loop around.
    """
    compiled(model, jit_compile)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def train(x):
        return model.train_step((x,))["loss"]

    x = tf.constant(images(sizes))
    return lambda: train(x).numpy()


def update(model, jit_compile):
    """A function that updates the weights of a model by Adam, and no more."""
    compiled(model, jit_compile)
    weights = model.trainable_variables
    gradients = [tf.fill(weight.shape, 1e-3) for weight in weights]

    @tf.function(jit_compile=jit_compile, autograph=False)
    def apply(*gradients):
        model.optimizer.apply(gradients, weights)
        return tf.constant(0.0)

    return lambda: apply(*gradients).numpy()
