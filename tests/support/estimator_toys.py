"""Graphs of one stochastic node, and the gradients that they must give.

The parameters of the node are the input, so that each row is an independent
estimate and one trace serves all cases.
"""

import dataclasses
import itertools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

N = 200_000
TARGETS, OFFSETS = (0.499, 0.45), (0.0, 2.0, -2.0)


@dataclasses.dataclass(frozen=True)
class Toy:
    """A node and a cost.

    Attributes:
        distribution: That of the node.
        split: Function from the input to that of the node.
        cost: Function from the sample and the input to `(rows,)`.
        cases: Array `(cases, features)`, inputs to try.
        exact: Array `(cases, params)`, the gradient in the first features.
    """

    distribution: object
    split: object
    cost: object
    cases: np.ndarray
    exact: np.ndarray

    def model(self, estimator, objective="expected_cost", **arguments):
        dtype = keras.config.dtype_policy().compute_dtype
        x = keras.Input(self.cases.shape[1:], dtype=dtype)
        node = StochasticNode(
            self.distribution, estimator, seed=1, name="node", **arguments
        )
        cost = CostNode(self.cost)([node(self.split(x)), x])
        model = SurrogateModel(x, cost)
        model.compile("sgd", objective=objective)
        return model

    def estimates(self, model, number=N, cases=None):
        """One estimate a row: array `(cases, number, params)`."""
        cases = self.cases if cases is None else np.asarray(cases)
        x = np.repeat(cases, number, axis=0).astype(model.input.dtype)
        found = gradient_of(model)(tf.constant(x)).numpy().astype("float64")
        params = self.exact.shape[-1]
        return found.reshape(len(cases), number, -1)[..., :params] * len(x)


def node_of(model):
    (node,) = [x for x in model.layers if x.name == "node"]
    return node


def gradient_of(model):
    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            surrogate = model.surrogate(x).surrogate
        return tape.gradient(surrogate, x)

    return run


def z_scores(found, exact):
    """In standard errors; without noise what is left is rounding."""
    error = found.std(axis=1) / np.sqrt(found.shape[1])
    return (found.mean(axis=1) - exact) / np.maximum(error, 2e-7)


def check_unbiased(toy, estimator, number=N, exact=None, **arguments):
    """|z| < 4.5 on all cases; returns the estimates."""
    model = toy.model(estimator, **arguments)
    found = toy.estimates(model, number)
    exact = toy.exact if exact is None else exact
    assert np.abs(z_scores(found, exact)).max() < 4.5
    return found


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def variances(found):
    """Of the toy `BIT` at offsets 0 and 2: for t = .499, and for .45."""
    by_case = found.var(axis=1)[:, 0]
    return by_case[[0, 1, 3, 4]]


def slope_over_states(cost, states, log_p, params, step=1e-5):
    """The gradient of an expected cost, by enumeration and differences."""
    params = np.asarray(params, "float64")
    costs = np.array([cost(state) for state in states])

    def mean(params):
        return sum(
            np.exp(log_p(params, state)) * each
            for state, each in zip(states, costs, strict=True)
        )

    steps = step * np.eye(len(params))
    return [(mean(params + h) - mean(params - h)) / (2 * step) for h in steps]


def log_p_bits(logits, bits):
    return np.sum(bits * logits - np.logaddexp(0, logits))


def log_p_classes(logits, index, classes=3):
    table = logits.reshape(-1, classes)
    norm = np.log(np.exp(table).sum(axis=-1))
    return sum(row[k] for row, k in zip(table, index, strict=True)) - norm.sum()


def states_of(bits):
    return [np.array(s) for s in itertools.product((0.0, 1.0), repeat=bits)]


def _bit():
    cases = np.array([(o, t) for t in TARGETS for o in OFFSETS])
    p, t = sigmoid(cases[:, :1]), cases[:, 1:]
    return Toy(
        "bernoulli",
        lambda x: x[:, :1],
        lambda b, x: (b[:, 0] - x[:, 1]) ** 2,
        cases,
        p * (1 - p) * (1 - 2 * t),
    )


WEIGHTS = np.array([0.7, -1.1, 0.4])


def _bits():
    """A cubic in three bits."""
    cases = np.array([[0.0, 0.0, 0.0], [1.0, -0.5, 0.3]])
    states = states_of(3)

    def cost(b):
        return (b @ WEIGHTS - 0.3) ** 3

    return Toy(
        "bernoulli",
        lambda x: x,
        lambda b, x: (ops.sum(b * WEIGHTS.astype(b.dtype.name), -1) - 0.3) ** 3,
        cases,
        np.array(
            [slope_over_states(cost, states, log_p_bits, c) for c in cases]
        ),
    )


# The value of each class, for two units.
VALUES = np.array([[-1.0, 0.5, 2.0], [0.3, 1.0, -0.6]])


def _classes(kind, units):
    cases = np.array([[0.0] * 6, [1.0, -0.5, 0.3, 0.2, 0.1, -0.9]])
    cases = cases[:, : 3 * units]
    values = VALUES[:units]
    states = list(itertools.product(range(3), repeat=units))

    def exact(index):
        return (sum(values[range(units), list(index)]) - 0.3) ** 2

    def cost(sample, x):
        if kind == "categorical":
            sample = ops.one_hot(sample, 3, dtype=x.dtype)
        total = ops.sum(sample * values.astype(x.dtype.name), axis=(1, 2))
        return (total - 0.3) ** 2

    return Toy(
        kind,
        lambda x: ops.reshape(x, (-1, units, 3)),
        cost,
        cases,
        np.array(
            [slope_over_states(exact, states, log_p_classes, c) for c in cases]
        ),
    )


def _normal():
    """E[x^2 + x^3 / 2] = m^2 + s^2 + (m^3 + 3 m s^2) / 2."""
    cases = np.array([[0.7, 0.5], [-1.0, 1.5]])
    m, s = cases.T
    return Toy(
        "normal",
        lambda x: [x[:, :1], x[:, 1:]],
        lambda v, x: v[:, 0] ** 2 + 0.5 * v[:, 0] ** 3,
        cases,
        np.stack([2 * m + 1.5 * (m**2 + s**2), 2 * s + 3 * m * s], axis=-1),
    )


def _mvn_diag():
    """E[x y + x^2] = m_x m_y + m_x^2 + s_x^2."""
    cases = np.array([[0.7, -0.4, 0.5, 1.2]])
    return Toy(
        "mvn_diag",
        lambda x: [x[:, :2], x[:, 2:]],
        lambda v, x: v[:, 0] * v[:, 1] + v[:, 0] ** 2,
        cases,
        np.array([[-0.4 + 2 * 0.7, 0.7, 2 * 0.5, 0.0]]),
    )


def _two_classes():
    """The values 1 and -1: y = 1 and 0 of a bit of the difference."""
    cases = np.array([[0.0, 0.0], [1.2, -0.8]])
    p = sigmoid(cases[:, 0] - cases[:, 1])
    slope = p * (1 - p) * (0.7**2 - 1.3**2)
    return Toy(
        "one_hot",
        lambda x: x,
        lambda d, x: (d[:, 0] - d[:, 1] - 0.3) ** 2,
        cases,
        np.stack([slope, -slope], axis=-1),
    )


BIT, BITS = _bit(), _bits()
TWO_CLASSES = _two_classes()
CATEGORICAL, ONE_HOT = _classes("categorical", 1), _classes("one_hot", 1)
CATEGORICALS, ONE_HOTS = _classes("categorical", 2), _classes("one_hot", 2)
NORMAL, MVN_DIAG = _normal(), _mvn_diag()
TOYS = {
    "bit": BIT,
    "bits": BITS,
    "categorical": CATEGORICAL,
    "categoricals": CATEGORICALS,
    "one_hot": ONE_HOT,
    "one_hots": ONE_HOTS,
    "normal": NORMAL,
    "mvn_diag": MVN_DIAG,
}
