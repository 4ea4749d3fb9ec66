"""The variance of the gradient estimates of a model."""

import dataclasses
import math

import numpy as np

from keras_bp._variables import unchanged
from keras_bp.stochastic._estimates import Estimates
from keras_bp.stochastic._table import number, text_table


@dataclasses.dataclass(frozen=True)
class VarianceRow:
    """The variance of one estimate.

    Attributes:
        name: String, of a variable or a node.
        elements: Integer, over how many elements it is averaged.
        variance: Float, the mean over elements.
        low: Float, `variance` is above it with 97.5 % confidence.
        high: Float, and below it.
    """

    name: str
    elements: int
    variance: float
    low: float
    high: float

    @property
    def log_variance(self):
        """Natural logarithm of `variance`."""
        return _log(self.variance)

    @property
    def log_interval(self):
        """Natural logarithms of `low` and `high`."""
        return _log(self.low), _log(self.high)


@dataclasses.dataclass(frozen=True)
class VarianceReport:
    """What `gradient_variance` found; `str()` is a table.

    Attributes:
        rows: List with an entry for each variable: `name`, `elements`,
            `variance` of an element on average, `low` and `high` (an interval
            of 95 %), `log_variance` and `log_interval`.
        nodes: List of such entries, for each node with a cost estimator the
            variance of its part of the gradient in all variables, or empty.
        total: Such an entry, of all variables together.
        num_estimates: Integer, how many there were.
    """

    rows: list
    nodes: list
    total: VarianceRow
    num_estimates: int

    @property
    def log_variance(self):
        """Natural logarithm of the variance of an element on average."""
        return self.total.log_variance

    def __str__(self):
        header = ["variable", "size", "variance", "low", "high", "log"]
        parts = [_cells(row) for row in [*self.rows, self.total]]
        parts += [_cells(row, "part of ") for row in self.nodes]
        return (
            text_table(header, parts)
            + f"\nOf one estimate, on average over elements; "
            f"{self.num_estimates} estimates."
        )


def gradient_variance(
    model,
    x,
    y=None,
    num_estimates=1000,
    copies=None,
    sample_weight=None,
    by_node=False,
):
    r"""Measures the variance of one gradient estimate of a batch.

    :math:`\frac1n\sum_{i=1}^n \mathrm{Var}(\hat g_i)` for the :math:`n`
    elements of each variable that is trained by the costs, and of all of
    them. The interval comes from 20 blocks of estimates, whose variances
    spread by chance: it takes no distribution for granted, but grows wide
    where rare estimates make the variance.

    The model stays as it was: its weights, its metrics, its baselines, and
    the noise that it will draw.

    Args:
        model: Compiled `keras_bp.training.SurrogateModel`.
        x: Inputs, the batch of which one estimate is made.
        y: Targets of the losses given to `compile`. Defaults to `None`.
        num_estimates: Integer, at least; rounded up, to 40 or more.
            Defaults to `1000`.
        copies: Integer, how often the batch is repeated in one evaluation,
            or None for what is quick. With a layer that looks at the whole
            batch, such as `BatchNormalization`, only 1 is right. Defaults to
            `None`.
        sample_weight: Weights of examples, or None. Defaults to `None`.
        by_node: Boolean, whether nodes are measured too, which takes a
            backward pass for each. Defaults to `False`.

    Returns:
        `VarianceReport`.

    Raises:
        TypeError: `model` is no `SurrogateModel`.
        ValueError: It is not compiled or has nothing to train.

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
    >>> report = stochastic.gradient_variance(model, batch, y=batch[:, :1])
    >>> report.total.low < report.total.variance < report.total.high
    True

    Reference:
        Tucker et al., 2017, https://arxiv.org/abs/1703.07370, section 5, where
        the logarithm of this variance is shown.
    """
    owner = "gradient_variance"
    estimates = Estimates(model, x, y, sample_weight, owner)
    copies = estimates.copies(num_estimates, copies, owner)
    with unchanged(model.variables):
        found = estimates.moments(num_estimates, copies, by_node)
    number_of = len(estimates.variables)
    paths = [variable.path for variable in estimates.variables]
    rows = [_row(name, found, [i]) for i, name in enumerate(paths)]
    nodes = [
        _row(name, found, range(number_of * (i + 1), number_of * (i + 2)))
        for i, name in enumerate(estimates.node_names() if by_node else [])
    ]
    total = _row("all", found, range(number_of))
    return VarianceReport(rows, nodes, total, found.num_estimates)


def _row(name, found, indices):
    """Of several quantities together."""
    variances = found.variances()
    sizes = [variances[i].size for i in indices]
    total = sum(float(np.sum(variances[i])) for i in indices)
    low, high = found.interval(list(indices), sizes)
    return VarianceRow(name, sum(sizes), total / sum(sizes), low, high)


def _log(x):
    return -math.inf if x == 0 else math.log(x)


def _cells(row, prefix=""):
    numbers = [number(x) for x in (row.variance, row.low, row.high)]
    log = f"{row.log_variance:.3f}"
    return [prefix + row.name, str(row.elements), *numbers, log]
