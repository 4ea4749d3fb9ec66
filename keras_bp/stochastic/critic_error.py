"""How far critics are from what they are to predict."""

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._variables import unchanged
from keras_bp.stochastic._estimates import (
    check_surrogate_model,
    num_examples,
)
from keras_bp.stochastic._table import number, text_table
from keras_bp.training._backprop_q_noise import noisy_steps
from keras_bp.training.backprop_q_model import BackpropQModel

METHODS = ("auto", "enumerate", "monte_carlo")
_ROWS = 4096
_NOTES = """\
rms: distance from the exact value. relative: of its standard deviation; 1 is
no better than a constant. floor: the mean squared error that an exact critic
has against costs that were drawn, below which no critic loss falls."""


@dataclasses.dataclass(frozen=True)
class CriticErrorRow:
    """One output of a critic.

    Attributes:
        node: String.
        cost: String.
        square: Float, mean squared distance from the exact value. By
            `"monte_carlo"` an estimate without bias, which may be negative.
        error: Float, its standard error, 0 for `"enumerate"`.
        spread: Float, the variance of the exact value.
        floor: Float, the expected variance of the cost, given the scope.
    """

    node: str
    cost: str
    square: float
    error: float
    spread: float
    floor: float

    @property
    def rms(self):
        return math.sqrt(_clipped(self.square))

    @property
    def relative(self):
        """`rms`, of the standard deviation of the exact value."""
        return _relative([self])


@dataclasses.dataclass(frozen=True)
class CriticReport:
    """What `critic_error` found; `str()` is a table.

    Attributes:
        rows: List with an entry for each output of each critic: `node`,
            `cost`, `square`, `error`, `spread`, `floor`, `rms`, `relative`.
        method: String, `"enumerate"` or `"monte_carlo"`.
    """

    rows: list
    method: str

    @property
    def relative(self):
        """The error of all together, of their standard deviation."""
        return _relative(self.rows)

    @property
    def nodes(self):
        """Dictionary from a node to the relative error of its critic."""
        found = {}
        for row in self.rows:
            found.setdefault(row.node, []).append(row)
        return {name: _relative(rows) for name, rows in found.items()}

    def __str__(self):
        header = ["node", "cost", "rms", "relative", "error of rms^2", "floor"]
        rows = [
            [
                row.node,
                row.cost,
                *map(number, (row.rms, row.relative, row.error, row.floor)),
            ]
            for row in self.rows
        ]
        return f"{text_table(header, rows)}\n\n{_NOTES}"


def critic_error(model, x, y=None, method="auto", num_samples=20_000):
    r"""Compares the critics of a model with what they are to predict.

    `"enumerate"`: with the exact :math:`E[c \mid \mathrm{scope}]`, by going
    through all states. `"monte_carlo"`: the costs below a node are drawn
    twice, :math:`R` and :math:`R'`, from nodes above it that are the same;
    :math:`E[(Q-R)(Q-R')]` is the mean squared error against the exact value,
    without the variance of the costs, which is :math:`E[(R-R')^2]/2`.

    The critic loss is no such measure: at the exact critic it is the variance
    of what the critic learns from, and not zero.

    Args:
        model: Compiled `keras_bp.training.BackpropQModel`.
        x: Inputs, a batch.
        y: Targets of the losses given to `compile`. Defaults to `None`.
        method: String, `"enumerate"`, `"monte_carlo"`, or `"auto"` for the
            first where it can be. Defaults to `"auto"`.
        num_samples: Integer, rows of `"monte_carlo"`, at least. Defaults to
            `20_000`.

    Returns:
        `CriticReport`.

    Raises:
        TypeError: `model` is no `BackpropQModel`.
        ValueError: It is not compiled, or cannot be enumerated: it has too
            many states, or layers that draw noise, such as `Dropout`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp import stochastic
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import BackpropQModel
    >>> x = keras.Input((2,))
    >>> bits = StochasticNode(name="bits")(keras.layers.Dense(3)(x))
    >>> model = BackpropQModel(x, keras.layers.Dense(1)(bits))
    >>> model.compile("sgd", loss="mse")
    >>> batch = np.ones((2, 2), "float32")
    >>> report = stochastic.critic_error(model, batch, batch[:, :1])
    >>> report.method, [row.node for row in report.rows]
    ('enumerate', ['bits'])

    Reference:
        Xu, Zu and Zhou, 2018, Backprop-Q, NIPS Deep RL workshop, theorem 2,
        whose bound does not hold for the loss: it has a floor.
    """
    owner = "critic_error"
    check_surrogate_model(model, owner)
    if not isinstance(model, BackpropQModel):
        raise TypeError(
            f"{owner} expects a keras_bp.training.BackpropQModel. Received: "
            f"model={model!r}"
        )
    _checks.check_one_of("method", method, METHODS, owner=owner)
    _checks.check_integer("num_samples", num_samples, owner=owner, minimum=2)
    x, y = (keras.tree.map_structure(_as_tensor, part) for part in (x, y))
    with unchanged(model.variables):
        if method != "monte_carlo":
            try:
                return CriticReport(_enumerated(model, x, y), "enumerate")
            except ValueError:
                if method == "enumerate":
                    raise
        rows = _drawn(model, x, y, num_samples)
    return CriticReport(rows, "monte_carlo")


def _as_tensor(x):
    return None if x is None else ops.convert_to_tensor(x)


def _enumerated(model, x, y):
    noisy = noisy_steps(model.stochastic_graph)
    if noisy:
        raise ValueError(
            "critic_error expects no noise but that of stochastic nodes for "
            "the method 'enumerate'. Use 'monte_carlo', or leave out layers "
            f"such as Dropout. Received: {noisy}"
        )
    nodes = tuple(model.stochastic_graph.nodes)
    found = []
    for each in model.critic_values(x, y, enumerated=nodes):
        value, outcome, weight = (
            np.asarray(ops.convert_to_numpy(part), "float64")
            for part in (each.value, each.outcome, each.weight)
        )
        second = weight @ outcome**2
        found.append(
            CriticErrorRow(
                each.node,
                each.cost,
                float(weight @ (value - outcome) ** 2),
                0.0,
                float(second - (weight @ outcome) ** 2),
                max(0.0, float(each.square) - float(second)),
            )
        )
    return found


def _drawn(model, x, y, num_samples):
    examples = num_examples(x, "critic_error")
    copies = max(1, min(num_samples, _ROWS) // examples)
    x, y = (
        keras.tree.map_structure(lambda part: _tile(part, copies), part)
        for part in (x, y)
    )
    parts = [
        {
            name: [ops.convert_to_numpy(table) for table in tables]
            for name, tables in model.critic_draws(x, y).items()
        }
        for _ in range(-(-num_samples // (copies * examples)))
    ]
    found = []
    for name, plan in model.critics.plans.items():
        tables = [
            np.concatenate([part[name][i] for part in parts]).astype("float64")
            for i in range(3)
        ]
        for index, cost in enumerate(plan.sources):
            columns = [table[:, index] for table in tables]
            found.append(_row(name, cost, *columns))
    return found


def _row(name, cost, value, first, second):
    squares = (value - first) * (value - second)
    mean = (first.mean() + second.mean()) / 2
    spread = np.mean((first - mean) * (second - mean))
    return CriticErrorRow(
        name,
        cost,
        float(squares.mean()),
        float(squares.std() / math.sqrt(len(squares))),
        float(spread),
        float(np.mean((first - second) ** 2) / 2),
    )


def _tile(x, copies):
    if x is None:
        return None
    return ops.tile(x, (copies, *(1,) * (len(x.shape) - 1)))


def _relative(rows):
    square = sum(_clipped(row.square) for row in rows)
    spread = sum(_clipped(row.spread) for row in rows)
    if math.isnan(square):
        return math.nan
    if square == 0:
        return 0.0
    return math.sqrt(square / spread) if spread > 0 else math.inf


def _clipped(square):
    """At least zero, which an estimate need not be; NaN stays NaN."""
    return square if math.isnan(square) else max(0.0, square)
