"""Proves that the gradients of a model are those of its expected cost."""

import dataclasses
import math
import textwrap

import numpy as np

from keras_bp import _checks
from keras_bp._variables import unchanged, value_of
from keras_bp.stochastic._check_row import CheckRow
from keras_bp.stochastic._estimates import Estimates
from keras_bp.stochastic._reference import scored
from keras_bp.stochastic._table import number, text_table

METHODS = ("enumerate", "monte_carlo")

# Differences of this share of the largest element pass for rounding.
_ROUNDING = 1e-5


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What `gradient_check` found; `str()` is a table.

    Attributes:
        rows: List with an entry for each variable: `name`, and arrays of its
            shape, `exact`, `mean`, `bias`, `error` (the standard error of the
            bias), `z` and `variance` (of one estimate); `worst_z`.
        method: String, as it was given.
        num_estimates: Integer, how many there were.
        biased_nodes: Tuple of names, the nodes whose estimators are biased by
            their definition.
    """

    rows: list
    method: str
    num_estimates: int
    biased_nodes: tuple

    @property
    def unbiased(self):
        """Whether all estimators are unbiased by their definition."""
        return not self.biased_nodes

    @property
    def num_elements(self):
        return sum(row.z.size for row in self.rows)

    @property
    def worst_z(self):
        """The largest magnitude of z of all elements; NaN where one is."""
        return float(np.max([row.worst_z for row in self.rows]))

    def false_alarm(self, threshold=4.5):
        """A bound on the probability that unbiased estimates do not pass."""
        each = math.erfc(threshold / math.sqrt(2))
        return min(1.0, self.num_elements * each)

    def passed(self, threshold=4.5):
        """Whether the estimates are unbiased, as far as can be seen.

        Args:
            threshold: Float, the largest magnitude of z that is allowed.

        Returns:
            False where z is larger or not a number, and wherever `unbiased`
            is False: a biased estimator may have no bias at these weights.
        """
        return self.unbiased and self.worst_z <= threshold

    def __str__(self):
        header = ["variable", "size", "exact", "mean", "bias"]
        header += ["error", "z", "variance"]
        rows = [_cells(row) for row in self.rows if row.z.size]
        notes = (
            "Of each variable the element of largest |z|, with the variance "
            f"of one estimate. {self.num_estimates} estimates against "
            f"{self.method!r}. The largest |z| of {self.num_elements} elements "
            f"is {self.worst_z:.2f}; 4.5 is exceeded by chance with "
            f"probability {self.false_alarm():.1e} or less."
        )
        if not self.unbiased:
            notes += (
                " unbiased=False: by their definition, biased are "
                + ", ".join(self.biased_nodes)
            )
        return f"{text_table(header, rows)}\n{textwrap.fill(notes, 80)}"


def gradient_check(
    model,
    x,
    y=None,
    method="enumerate",
    num_estimates=100_000,
    copies=None,
    sample_weight=None,
):
    r"""Compares the gradient estimates of a model with the exact gradient.

    For each element of each variable that is trained by the costs,

    .. math:: z = \frac{\bar g - g}{\sqrt{s^2 / N}}

    with the mean :math:`\bar g` and the variance :math:`s^2` of :math:`N`
    independent estimates of one batch. Below :math:`10^{-5}` of the largest
    element of the variable a difference passes for rounding, so that
    estimates without variance are compared too.

    `"enumerate"`: the exact gradient :math:`g`, by going through all states
    of all nodes, in training mode. `"monte_carlo"`: for nodes whose states
    cannot be counted, :math:`g` is estimated too, :math:`N` times by the score
    function of every node, and :math:`s^2` is the sum of both variances. It
    takes nothing from the estimators of the model, and so sees a
    reparameterized cost that has steps; it sees less the larger its error.

    Unbiased estimates exceed :math:`|z| = 4.5` with probability 6.8e-6 each;
    with :math:`n` elements one of them does with probability
    :math:`6.8\times10^{-6}\,n` or less (`CheckReport.false_alarm`): take a
    larger threshold for more than some 10,000 elements.

    The model stays as it was: its weights, its metrics, its baselines, and
    the noise that it will draw. Estimates with a baseline are checked with
    the baseline as it stands.

    What it cannot see: a dependence between the examples of a batch, as by
    `BatchNormalization`, which a repeated batch does not show (`copies=1`
    keeps the batch as it is, but enumerated states count in it unweighted);
    a bias below the standard error; a bias at other weights; a bias of nodes
    in layers whose `call` is code, which are run as they are for the
    reference too.

    Args:
        model: Compiled `keras_bp.training.SurrogateModel`.
        x: Inputs, a batch of few examples.
        y: Targets of the losses given to `compile`. Defaults to `None`.
        method: String, `"enumerate"` or `"monte_carlo"`. Defaults to
            `"enumerate"`.
        num_estimates: Integer, at least; rounded up. Defaults to `100_000`.
        copies: Integer, how often the batch is repeated in one evaluation,
            or None for what is quick. Defaults to `None`.
        sample_weight: Weights of examples, or None. Defaults to `None`.

    Returns:
        `CheckReport`.

    Raises:
        TypeError: `model` is no `SurrogateModel`.
        ValueError: It is not compiled or has nothing to train, or it cannot be
            enumerated: the states of a node cannot be counted, or another
            layer draws noise.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp import stochastic
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import SurrogateModel
    >>> x = keras.Input((2,))
    >>> bits = StochasticNode(estimator="disarm")(keras.layers.Dense(3)(x))
    >>> model = SurrogateModel(x, keras.layers.Dense(1)(bits))
    >>> model.compile("sgd", loss="mse")
    >>> batch = np.ones((2, 2), "float32")
    >>> report = stochastic.gradient_check(
    ...     model, batch, y=batch[:, :1], num_estimates=10_000
    ... )
    >>> report.passed()
    True

    Reference:
        Schulman et al., 2015, https://arxiv.org/abs/1506.05254, theorem 1.
    """
    owner = "gradient_check"
    _checks.check_one_of("method", method, METHODS, owner=owner)
    estimates = Estimates(model, x, y, sample_weight, owner)
    copies = estimates.copies(num_estimates, copies, owner)
    with unchanged(model.variables):
        exact, errors = _exact(estimates, method, num_estimates, copies)
        found = estimates.moments(num_estimates, copies)
    nodes = model.stochastic_graph.nodes
    biased = [k for k, step in nodes.items() if not step.operation.unbiased]
    rows = _rows(estimates.variables, exact, errors, found)
    return CheckReport(rows, method, found.num_estimates, tuple(biased))


def _exact(estimates, method, num_estimates, copies):
    """What is compared with, and its standard errors."""
    if method == "enumerate":
        exact = _enumerated(estimates)
        return exact, [np.zeros_like(each) for each in exact]
    nodes = estimates.model.stochastic_graph.nodes.values()
    layers = [step.operation for step in nodes]
    with scored(layers, copies, estimates.examples):
        found = estimates.moments(num_estimates, copies)
    return found.means, found.errors()


def _rows(variables, exact, errors, found):
    return [
        CheckRow(
            variable.path,
            exact,
            mean,
            np.hypot(own, error),
            variance,
            _ROUNDING * _largest(exact, mean),
        )
        for variable, exact, error, mean, own, variance in zip(
            variables,
            exact,
            errors,
            found.means,
            found.errors(),
            found.variances(),
            strict=True,
        )
    ]


def _largest(*arrays):
    return max(np.max(np.abs(each), initial=0.0) for each in arrays)


def _enumerated(estimates):
    model = estimates.model
    graph = model.stochastic_graph
    before = [value_of(variable) for variable in model.variables]
    gradients = estimates.gradients(enumerated=tuple(graph.nodes))
    weights = {id(weight) for weight in model.weights}
    moved = {
        id(variable)
        for variable, old in zip(model.variables, before, strict=True)
        if id(variable) not in weights and np.any(old != value_of(variable))
    }
    if moved:
        raise ValueError(
            "gradient_check expects no noise but that of stochastic nodes for "
            "the method 'enumerate'. Use 'monte_carlo', or leave out layers "
            f"such as Dropout. Received: {_owners(graph, moved)}"
        )
    return [np.array(each, "float64") for each in gradients]


def _owners(graph, variables):
    """Names of the layers to which variables belong."""
    return [
        step.name
        for step in graph.steps
        if any(
            id(variable) in variables
            for variable in getattr(step.operation, "variables", ())
        )
    ]


def _cells(row):
    at = row.worst
    shown = [
        number(each[at]) for each in (row.exact, row.mean, row.bias, row.error)
    ]
    z, variance = f"{row.z[at]:.2f}", number(row.variance[at])
    return [row.name, str(row.z.size), *shown, z, variance]
