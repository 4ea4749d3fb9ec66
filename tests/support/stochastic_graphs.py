"""Small stochastic graphs whose gradients are known, for the tests.

The input holds the logit offset of each node, so that the gradient in the
input is one independent estimate for each example.
"""

import itertools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

# At offsets of zero, from the definition of the graphs.
CHAIN = [0.045499004, 0.034885948, 0.032945660, 0.028746968, 0.019661193]
DIAMOND = [0.057764645, 0.058983580, 0.039322387]
DIAMOND_COST = 0.869276134


def squared(target):
    """A cost (sum of the inputs - target)^2, summed over units."""
    return lambda *values: ops.sum((sum(values) - target) ** 2, axis=-1)


def column(x, index):
    return x[:, index : index + 1]


def bit(estimator, index, first=True, **arguments):
    """A Bernoulli node; only the first in a graph has several samples."""
    if not first:
        arguments.pop("samples", None)
    return StochasticNode(
        "bernoulli", estimator, seed=index, name=f"x{index}", **arguments
    )


def compiled(inputs, outputs, **arguments):
    model = SurrogateModel(inputs, outputs)
    model.compile("sgd", **arguments)
    return model


def toy(estimator, target=0.45, **arguments):
    x = keras.Input((1,))
    return compiled(
        x, CostNode(squared(target))(bit(estimator, 0, **arguments)(x))
    )


def chain(estimator, **arguments):
    """logit X1 = theta1, logit Xt = 2 x - 1 + theta_t, a cost at each."""
    x, costs, logits = keras.Input((5,)), [], 0.0
    for index in range(5):
        node = bit(estimator, index, index == 0, **arguments)
        value = node(column(x, index) + logits)
        costs.append(CostNode(squared(0.45), name=f"c{index}")(value))
        logits = 2 * value - 1
    return compiled(x, costs)


def diamond(estimator, **arguments):
    """X above Y and Z, costs (y - .45)^2 and (y + z - .9)^2."""
    x = keras.Input((3,))
    top = bit(estimator, 0, **arguments)(column(x, 0))
    y = bit(estimator, 1, False, **arguments)(column(x, 1) + 2 * top - 1)
    z = bit(estimator, 2, False, **arguments)(column(x, 2) + 2 * top - 1)
    return compiled(
        x,
        [
            CostNode(squared(0.45), name="f1")(y),
            CostNode(squared(0.9), name="f2")([y, z]),
        ],
    )


def gradients(model, offsets, number, y=None):
    """One estimate of the gradient for each of so many examples.

    Returns:
        Array `(number, offsets)`.
    """
    x = tf.tile(tf.constant([offsets], "float32"), [number, 1])

    # Eager: to trace a graph would take longer than its one run.
    with tf.GradientTape() as tape:
        tape.watch(x)
        surrogate = model.surrogate(x, y).surrogate
    found = tape.gradient(surrogate, x)
    return found.numpy().astype("float64") * number


def z_scores(estimates, exact):
    error = estimates.std(axis=0) / np.sqrt(len(estimates))
    # Without noise what is left is rounding.
    return (estimates.mean(axis=0) - exact) / np.maximum(error, 1e-7)


def expected(offsets, logits, cost):
    """The expected cost of a graph of bits, by going through all of them.

    Args:
        offsets: Array `(nodes,)`.
        logits: Function from the bits to the logits of all nodes.
        cost: Function from the bits to the cost.
    """
    total = 0.0
    for bits in itertools.product([0.0, 1.0], repeat=len(offsets)):
        p = 1 / (1 + np.exp(-(logits(bits) + offsets)))
        total += np.prod(np.where(bits, p, 1 - p)) * cost(bits)
    return total


def slope(function, offsets, step=1e-5):
    """The gradient of a function, by central differences."""
    offsets = np.asarray(offsets, "float64")
    steps = step * np.eye(len(offsets))
    return np.array(
        [
            (function(offsets + each) - function(offsets - each)) / (2 * step)
            for each in steps
        ]
    )
