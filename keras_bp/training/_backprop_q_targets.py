"""What critics learn from a pass: the lambda-return on the graph."""

from keras import ops


class Returns:
    r"""The targets of all critics in one pass.

    From the costs upward, :math:`G_X = \gamma\operatorname{mean}_k
    [(1-\lambda) Q_k + \lambda G_k]` over the nodes next below that lead to
    the same cost: a mean, and not a sum, since each of them predicts that
    cost. Costs are never added up. A node without a critic passes on what is
    below it.

    Args:
        critics: `Critics`.
        graph_children: Function from a node and a cost to names of nodes.
        run: `Pass`.
        costs: `Costs`.
        trace: Float, lambda.
    """

    def __init__(self, critics, graph_children, run, costs, trace):
        self._critics, self._children = critics, graph_children
        self._run, self._costs, self._trace = run, costs, trace
        self._targets, self._values = {}, {}

    def of(self, name):
        """The targets of a node, `(rows, costs)`, constants."""
        plan = self._critics.plans[name]
        each = [self.target(name, cost) for cost in plan.sources]
        return ops.stop_gradient(ops.stack(each, axis=-1))

    def target(self, name, cost):
        if (name, cost) not in self._targets:
            self._targets[name, cost] = self._target(name, cost)
        return self._targets[name, cost]

    def _target(self, name, cost):
        run, own = self._run, self._run.draws[name].axes
        children = self._children(name, cost)
        parts = [
            (self._below(child, cost), run.draws[child].axes)
            for child in children
        ] or [self._costs.of(run, cost)]
        total = sum(
            run.axes.reduce(value, axes, own, run.weights)
            for value, axes in parts
        )
        factor = 1.0
        if name in self._critics.plans:
            factor = self._critics.options.discount
        return ops.stop_gradient(total) * (factor / len(parts))

    def _below(self, name, cost):
        """What a node says of a cost to the nodes above it."""
        if name not in self._critics.plans or self._trace == 1:
            return self.target(name, cost)
        index = self._critics.plans[name].sources.index(cost)
        value = self._value(name)[:, index]
        if self._trace == 0:
            return value
        return (1 - self._trace) * value + self._trace * self.target(name, cost)

    def _value(self, name):
        if name not in self._values:
            inputs = self._critics.inputs(name, self._run, self._costs.targets)
            self._values[name] = self._critics.bootstrap(name, inputs)
        return self._values[name]


class Costs:
    """The costs of a pass, without the weights of examples.

    Args:
        graph: `StochasticGraph`.
        losses: Dictionary from an output to its `CompiledLoss`.
        targets: Dictionary from an output to its target.
        dtype: String.
    """

    def __init__(self, graph, losses, targets, dtype):
        self.targets, self._dtype = targets, dtype
        self._losses = {loss.name: (k, loss) for k, loss in losses.items()}
        self._graph = graph

    def of(self, run, name):
        """A cost `(rows,)` and its axes."""
        if name in self._graph.costs:
            cost, axes = run.costs[name]
            return ops.cast(cost, self._dtype), axes
        output, loss = self._losses[name]
        y_pred, axes = run.value(loss.slot)
        y_true = run.axes.expand(
            ops.convert_to_tensor(self.targets[output]), (), axes
        )
        return loss.of(y_true, y_pred, self._dtype), axes


def critic_losses(critics, name, run, costs, returns):
    """The loss of one critic, and what it tells of it.

    Targets that are not finite are left out: they train nothing.

    Args:
        critics: `Critics`.
        name: String, the node.
        run: `Pass`.
        costs: `Costs`.
        returns: `Returns`.

    Returns:
        Triple of scalars: the loss, the mean squared error in the units of
        the costs, and the share of targets left out.
    """
    target = returns.of(name)
    inputs, whole = _finite(critics.inputs(name, run, costs.targets))
    finite = ops.logical_and(ops.isfinite(target), whole)
    target = ops.where(finite, target, ops.zeros_like(target))
    own, weights = run.draws[name].axes, _constant(run.weights)

    def mean(rows):
        return ops.mean(run.axes.reduce(rows, own, (), weights))

    # Before the prediction, whose scale it sets: a first step without one
    # would be as large as the costs.
    _observe(critics, name, target, finite, mean, own)
    found = critics.trained(name, inputs)
    error = ops.where(finite, found - target, ops.zeros_like(target))
    square = ops.square(error)
    loss = mean(ops.sum(square / ops.square(critics.scale(name)), axis=-1))
    plain = mean(ops.sum(ops.stop_gradient(square), axis=-1))
    lost = mean(ops.mean(1.0 - ops.cast(finite, target.dtype), axis=-1))

    return loss, plain, lost


def _finite(inputs):
    """Inputs without what is not finite, and rows that had nothing of it."""
    whole, found = True, []
    for x in inputs:
        known = ops.isfinite(x)
        rows = ops.all(known, axis=tuple(range(1, len(x.shape))))
        whole = ops.logical_and(whole, ops.expand_dims(rows, -1))
        # A gradient through what is left out would be zero times NaN.
        found.append(ops.where(known, x, ops.zeros_like(x)))
    return found, whole


def _observe(critics, name, target, finite, mean, own):
    """Lets a critic see how large its targets are."""

    def columns(table):
        if not own:
            return ops.mean(table, axis=0)
        return ops.stack([mean(table[:, i]) for i in range(table.shape[-1])])

    share = ops.maximum(columns(ops.cast(finite, target.dtype)), 1e-12)
    first, second = columns(target) / share, columns(target**2) / share
    critics.observe(name, first, second)


def _constant(weights):
    return {
        name: (ops.stop_gradient(weight), axes)
        for name, (weight, axes) in weights.items()
    }
