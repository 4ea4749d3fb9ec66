"""What critics are and what they say, for those who ask."""

import dataclasses

from keras import ops

from keras_bp.training._backprop_q_replay import record_of


@dataclasses.dataclass(frozen=True)
class CriticRow:
    """One output of a critic.

    Attributes:
        node: String.
        cost: String, the cost that it predicts.
        mode: String, what the node learns from it.
        inputs: Tuple of names, what it sees.
        target: String, what it learns from.
        discount: Float, the factor between the cost and what it predicts.
    """

    node: str
    cost: str
    mode: str
    inputs: tuple
    target: str
    discount: float


@dataclasses.dataclass(frozen=True)
class CriticValues:
    """What a critic predicts in a pass, and what came of it.

    Attributes:
        node: String.
        cost: String.
        value: Tensor `(rows,)`, the prediction.
        outcome: Tensor `(rows,)`, the cost, discounted as the prediction is.
        weight: Tensor `(rows,)`, how likely each row is; they sum to 1.
        square: Scalar, the mean square of the cost itself, discounted.
    """

    node: str
    cost: str
    value: object
    outcome: object
    weight: object
    square: object


def critic_rows(learning, modes):
    """A list of `CriticRow`."""
    found = []
    for name, plan in learning.critics.plans.items():
        seen = tuple(
            f"y:{x.name}" if x.kind == "target" else x.name for x in plan.inputs
        )
        for cost in plan.sources:
            target = _told(learning, name, cost)
            found.append(
                CriticRow(
                    name, cost, modes[name], seen, target, plan.discounts[cost]
                )
            )
    return found


def _told(learning, name, cost):
    children = learning.children(name, cost)
    if not children:
        return "cost"
    trace = learning.options.trace
    parts = []
    for child in children:
        if child not in learning.critics.plans:
            parts.append(f"through {child}")
        elif trace == 0:
            parts.append(f"Q[{child}]")
        else:
            parts.append(f"return of {child}")
    told = ", ".join(parts)
    return f"mean of {told}" if len(parts) > 1 else told


def critic_values(learning, run, targets):
    """A list of `CriticValues`, of all critics in a pass."""
    critics = learning.critics
    costs = learning.costs(targets)
    returns = learning.returns(run, costs, trace=1.0)
    found = []
    for name, plan in critics.plans.items():
        own = run.draws[name].axes
        predicted = critics.predict(name, critics.inputs(name, run, targets))
        weight = _weight(run, own, predicted[:, 0])
        for index, cost in enumerate(plan.sources):
            whole, axes = costs.of(run, cost)
            square = ops.sum(whole**2 * _weight(run, axes, whole))
            found.append(
                CriticValues(
                    name,
                    cost,
                    predicted[:, index],
                    returns.target(name, cost),
                    weight,
                    square * plan.discounts[cost] ** 2,
                )
            )
    return found


def _weight(run, axes, like):
    """The probability of each row, of all examples together."""
    weight, equal = ops.ones_like(like), ops.cast(run.axes.batch, like.dtype)
    for name in axes:
        if name in run.weights:
            own = run.axes.expand(*run.weights[name], axes)
            weight = weight * ops.cast(own, like.dtype)
        else:
            equal = equal * run.axes.sizes[name]
    return weight / equal


def twice_drawn(learning, run, targets, name):
    """The outcomes of a critic, drawn twice from one scope.

    Args:
        learning: `Learning`.
        run: `Pass` of one sample of each example.
        targets: Dictionary from an output to its target.
        name: String, the node.

    Returns:
        Triple of tensors `(rows, costs)`: predictions and two outcomes, which
        are independent given what the critic sees.
    """
    plan = learning.critics.plans[name]
    record = record_of(run, [plan], targets)
    found = []
    for _ in range(2):
        _, again, costs, returns = learning.resampled(name, record, trace=1.0)
        found.append(returns.of(name))
    inputs = learning.critics.inputs(name, again, costs.targets)
    return learning.critics.predict(name, inputs), *found
