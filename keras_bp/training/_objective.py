"""What a pass costs, and the surrogate whose gradient is the estimate."""

import dataclasses

from keras import ops

from keras_bp import _checks
from keras_bp.ops.node_estimators import NodeProblem


@dataclasses.dataclass(frozen=True)
class Supervision:
    """What is known of a batch beside the inputs.

    Attributes:
        losses: Dictionary from the name of an output to its `CompiledLoss`.
        targets: Dictionary from the name of an output to its target.
        weight: Tensor `(batch,)`, weights of examples for all costs, or None.
        weights: Dictionary from the name of an output to weights `(batch,)`
            for its loss.
    """

    losses: dict = dataclasses.field(default_factory=dict)
    targets: dict = dataclasses.field(default_factory=dict)
    weight: object = None
    weights: dict = dataclasses.field(default_factory=dict)


class Objective:
    """The costs of a pass, and what is made of them.

    Args:
        run: `Pass`, the first one.
        supervision: `Supervision`.
        bound: Boolean, whether the samples of an example make a bound,
            -log mean exp(-cost), instead of a mean.
        dtype: String, of the costs.
    """

    def __init__(self, run, supervision, bound, dtype):
        if bound and run.weights:
            raise ValueError(
                "The objective 'multi_sample_bound' compares samples, so that "
                f"no node can be enumerated. Received: {list(run.weights)}; "
                "gradient_check has the method 'monte_carlo'"
            )
        self.run, self.axes = run, run.axes
        self._supervision, self._bound, self._dtype = supervision, bound, dtype
        self.costs = self.costs_of(run)
        # For each cost, its values in all passes that are trained.
        self._trained = {
            name: [(run, cost)] for name, cost in self.costs.items()
        }

    def costs_of(self, run, below=None):
        """The weighted costs of a pass.

        Args:
            run: `Pass`.
            below: String, a node, or None for all costs.

        Returns:
            Dictionary from a name to a cost `(rows,)` and its axes.
        """
        graph, known = run.graph, self._supervision
        found = {
            name: (ops.cast(cost, self._dtype), axes)
            for name, (cost, axes) in run.costs.items()
        }
        for output, loss in known.losses.items():
            if below and below not in graph.ancestors([loss.slot]):
                continue
            y_pred, axes = run.value(loss.slot)
            y_true = self.axes.expand(
                ops.convert_to_tensor(known.targets[output]), (), axes
            )
            cost = loss.of(y_true, y_pred, self._dtype)
            weight = known.weights.get(output)
            found[loss.name] = self._weigh(cost, axes, weight), axes
        if known.weight is None or self._bound:
            return found
        return {
            name: (self._weigh(cost, axes, known.weight), axes)
            for name, (cost, axes) in found.items()
        }

    def _weigh(self, cost, axes, weight):
        if weight is None:
            return cost
        weight = _checks.as_tensor(
            "sample_weight", weight, owner="SurrogateModel"
        )
        if any(size != 1 for size in weight.shape[1:]):
            raise ValueError(
                "SurrogateModel expects a weight for each example, of shape "
                f"(batch,). Received: shape={tuple(weight.shape)}"
            )
        weight = ops.cast(ops.reshape(weight, (-1,)), cost.dtype)
        return cost * self.axes.expand(weight, (), axes)

    def direct(self):
        """The mean cost: what is differentiated as it stands, a scalar."""
        if self._bound:
            bound = self._bound_of(self.costs)
            return ops.mean(self._weigh(bound, (), self._supervision.weight))
        return sum(self.means().values(), ops.zeros((), self._dtype))

    def means(self):
        """Each cost on average, over all passes that are trained.

        Returns:
            Dictionary from the name of a cost to a scalar.
        """
        found = {}
        for name, passes in self._trained.items():
            each = [
                ops.mean(self.axes.reduce(*cost, (), run.weights))
                for run, cost in passes
            ]
            found[name] = sum(each) / len(each)
        return found

    def below(self, run, name):
        """The sum of the costs below a node, `(rows,)` of that node."""
        own = run.draws[name].axes
        total = 0.0
        first = run is self.run
        costs = self.costs if first else self.costs_of(run, name)
        for key, (cost, axes) in costs.items():
            if name in self._sources(key):
                total = total + self.axes.reduce(cost, axes, own, run.weights)
        return total

    def _sources(self, key):
        graph = self.run.graph
        if key in graph.costs:
            return graph.ancestors([graph.costs[key].outputs])
        for loss in self._supervision.losses.values():
            if loss.name == key:
                return graph.ancestors([loss.slot])
        return ()

    def _bound_of(self, costs):
        total, axes = self._joint(costs)
        table = ops.reshape(total, (self.axes.count(axes), -1))
        samples = ops.cast(table.shape[0], self._dtype)
        return ops.log(samples) - ops.logsumexp(-table, axis=0)

    def _joint(self, costs):
        axes = self.axes.union(*(own for _, own in costs.values()))
        total = sum(
            self.axes.expand(cost, own, axes) for cost, own in costs.values()
        )
        return total, axes

    def estimate(self, name):
        """The surrogate of one node, a scalar, and how its baseline learns.

        Args:
            name: String, a node with a cost estimator.

        Returns:
            Pair of the surrogate, and a function that lets the baseline learn
            from the batch, and returns a loss for it or None.
        """
        node, draw = self.run.graph.nodes[name].operation, self.run.draws[name]
        problem = self._problem(name, node, draw)
        found = node.rule.rule(problem)
        total = self._mean(ops.cast(found.surrogate, self._dtype), draw.axes)
        if found.critic_gradients is not None:
            critic = sum(
                ops.sum(ops.stop_gradient(gradient) * weight)
                for gradient, weight in zip(
                    found.critic_gradients, node.critic.weights, strict=True
                )
            )
            total = total + ops.cast(critic, self._dtype)
        cost = problem.cost if found.observed is None else found.observed

        def observe():
            loss = node.baseline_state.observe(
                cost, draw.distribution, draw.value, problem.baseline
            )
            return (
                None if loss is None else ops.cast(ops.mean(loss), self._dtype)
            )

        return total, observe

    def _mean(self, rows, axes):
        weights = {
            name: (ops.stop_gradient(weight), own)
            for name, (weight, own) in self.run.weights.items()
        }
        return ops.mean(self.axes.reduce(rows, axes, (), weights))

    def _problem(self, name, node, draw):
        draw_value = ops.stop_gradient(draw.value)
        critic = node.critic

        def cast(cost):
            return ops.cast(cost, node.noise_dtype)

        return NodeProblem(
            distribution=draw.distribution,
            noise=draw.noise,
            value=draw_value,
            cost=cast(ops.stop_gradient(self._cost(name, draw))),
            evaluate=lambda value, below=None: cast(
                self.below(self.run.again(name, value, below), name)
            ),
            train=lambda value: cast(self._train(name, value)),
            others=lambda x: self._others(x, name, draw.axes),
            draw=lambda: node.noise_of(draw.distribution),
            baseline=node.baseline_state(draw.distribution.params),
            temperature=node.temperature,
            critic_weights=(
                [ops.convert_to_tensor(x) for x in critic.weights]
                if critic
                else []
            ),
            critic=critic and critic.network,
            control=critic and critic.control,
            bound=(
                (lambda rule: cast(self._signal(rule))) if self._bound else None
            ),
        )

    def _cost(self, name, draw):
        if not self._bound:
            return self.below(self.run, name)
        # The sum over samples, and not the mean, has the gradient of a bound.
        rows = self.axes.count(draw.axes)
        bound = self._weigh(
            self._bound_of(self.costs), (), self._supervision.weight
        )
        return rows * self.axes.expand(bound, (), draw.axes)

    def _signal(self, rule):
        total, axes = self._joint(self.costs)
        table = ops.reshape(total, (self.axes.count(axes), -1))
        signal = table.shape[0] * rule(ops.stop_gradient(table))
        return self._weigh(
            ops.reshape(signal, (-1,)), axes, self._supervision.weight
        )

    def _train(self, name, value):
        run = self.run.again(name, ops.stop_gradient(value))
        costs = self.costs_of(run, name)
        for key, cost in costs.items():
            if name in self._sources(key):
                self._trained[key].append((run, cost))
        return ops.stop_gradient(self.below(run, name))

    def _others(self, x, name, axes):
        sampled = [axis for axis in axes if axis not in self.run.weights]
        if not sampled:
            raise ValueError(
                f"The estimator of the node {name!r} compares samples of a "
                "node above that is enumerated. Give the node `samples` of "
                "its own, or enumerate it too"
            )
        axis = name if name in sampled else sampled[-1]
        index, count = axes.index(axis), self.axes.sizes[axis]
        table = self.axes.split(x, axes)
        total = ops.sum(table, axis=index, keepdims=True)
        return ops.reshape((total - table) / (count - 1), (-1,))
