"""What critics make of a sample: the surrogates of their nodes."""

import dataclasses

from keras import ops

from keras_bp.ops._gradients import value_and_gradient
from keras_bp.ops._node_distributions import sum_units
from keras_bp.training._backprop_q_changes import Changes
from keras_bp.training._backprop_q_views import COUNTED
from keras_bp.training._objective import Objective


@dataclasses.dataclass(frozen=True)
class Parts:
    """What the surrogate of a node is made of.

    Attributes:
        name: String, the node.
        node: The node.
        draw: `Draw`.
        inputs: List of tensors, what its critic sees, constants.
        weight: Tensor, how much each cost counts.
        changes: `Changes`.
    """

    name: str
    node: object
    draw: object
    inputs: list
    weight: object
    changes: Changes

    @property
    def counted(self):
        return self.draw.distribution.name in COUNTED


class CriticObjective(Objective):
    """An objective in which nodes with a critic are weighed by it.

    A critic sees constants, and its weights are constants here: gradients
    flow to the parameters of the node alone, and from there as ever. That no
    gradient flows through the sample from below is the matter of the node.

    Args:
        run: `Pass`.
        supervision: `Supervision`.
        dtype: String, of the costs.
        critics: `Critics`.
        modes: Dictionary from a node to its mode.
    """

    def __init__(self, run, supervision, dtype, critics, modes):
        super().__init__(run, supervision, False, dtype)
        self._critics, self._modes = critics, modes

    def estimate(self, name):
        node = self.run.graph.nodes[name].operation
        # Another rule may stand in for it while gradients are checked.
        if node.rule.name != "backprop_q":
            return super().estimate(name)
        parts = self._parts(name, node)
        mode = self._modes[name]
        rows, observe = getattr(self, "_" + mode)(parts)
        total = self._mean(ops.cast(rows, self._dtype), parts.draw.axes)
        return total, observe

    def _parts(self, name, node):
        draw = self.run.draws[name]
        inputs = self._critics.inputs(name, self.run, self._supervision.targets)
        weight = self._weights_of(name, draw.axes)
        changes = Changes(self._critics, name, inputs, weight)
        return Parts(name, node, draw, inputs, weight, changes)

    def _weights_of(self, name, axes):
        """How much each cost counts in each row."""
        known = self._supervision
        by_loss = {loss.name: k for k, loss in known.losses.items()}
        found, varied = [], False
        for cost in self._critics.plans[name].sources:
            own = ops.ones((1,), self._dtype)
            for weight in (known.weight, known.weights.get(by_loss.get(cost))):
                if weight is not None:
                    row = ops.cast(ops.reshape(weight, (-1,)), self._dtype)
                    own = own * self.axes.expand(row, (), axes)
                    varied = True
            found.append(own)
        if not varied:
            return ops.concatenate(found)
        rows = ops.shape(self.run.draws[name].value)[:1]
        return ops.stack([ops.broadcast_to(x, rows) for x in found], axis=-1)

    def _all_action(self, parts):
        r"""sum_k p_k Q_k over the states of each unit, the others held."""
        return self._counted(parts), _nothing

    def _counted(self, parts):
        found, changes = parts.draw.distribution, parts.changes
        base = ops.expand_dims(changes.base(), -1)
        if found.name == "bernoulli":
            bits = ops.reshape(parts.draw.value, (-1, changes.count))
            step = 1 - 2 * ops.stop_gradient(bits)
            slope = ops.cast(changes.flipped() - base, step.dtype) * step
        else:
            slope = changes.classes() - base
        p = ops.reshape(found.mean(), (-1, changes.count))
        return ops.sum(ops.cast(slope, p.dtype) * p, axis=-1)

    def _reparameterized(self, parts):
        r"""The gradient of Q in the sample, along the path of the sample."""
        return self._along_path(parts), _nothing

    def _along_path(self, parts):
        draw, own = parts.draw, self._critics.plans[parts.name].own
        at, weights = parts.inputs[own], self._critics.frozen(parts.name)

        def predicted(value):
            inputs = list(parts.inputs)
            inputs[own] = value
            found = self._critics.predict(parts.name, inputs, weights)
            return ops.sum(found * parts.weight, axis=-1), ()

        _, (slope,) = value_and_gradient(predicted, [at])
        path = draw.distribution.sample(draw.noise)
        slope = ops.reshape(ops.cast(slope, path.dtype), ops.shape(path))
        return sum_units(ops.stop_gradient(slope) * path)

    def _advantage(self, parts):
        r"""(Q - V) log p, where V does not depend on the sample."""
        signal = parts.changes.base() - self._own_mean(parts)
        return self._scored(parts, signal), _nothing

    def _own_mean(self, parts):
        r"""The mean of Q over the node, or Q at the mean of the node.

        The first where the node is one unit that can be counted. A node that
        has no mean takes another sample in its place.
        """
        found, changes = parts.draw.distribution, parts.changes
        plan, kind = self._critics.plans[parts.name], self._critics.kind
        shape = plan.inputs[plan.own].shape
        mean = ops.cast(ops.stop_gradient(self._mean_of(parts)), kind)
        if found.name == "bernoulli" and changes.count == 1:
            one = ops.ones_like(parts.inputs[plan.own])
            p = ops.reshape(mean, (-1,))
            return p * changes.at(one) + (1 - p) * changes.at(0 * one)
        single = parts.counted and changes.count == shape[-1]
        if single and found.name != "bernoulli":
            p = ops.reshape(mean, (-1, changes.count))
            return ops.sum(changes.classes() * p, axis=-1)
        return changes.at(ops.reshape(mean, (-1, *shape)))

    def _mean_of(self, parts):
        found = parts.draw.distribution
        if found.name != "callable":
            return found.mean()
        other = found.sample(parts.node.noise_of(found))
        try:
            mean = found.mean()
        except RuntimeError:
            # What a distribution raises that has no formula for its mean.
            return other
        # Of a Cauchy distribution there is none, nor of Student's always.
        return ops.where(ops.isfinite(mean), mean, ops.cast(other, mean.dtype))

    def _scored(self, parts, signal):
        found = parts.draw.distribution
        value = ops.stop_gradient(parts.draw.value)
        log_p = found.joint_log_prob(value)
        finite = ops.isfinite(signal)
        signal = ops.where(finite, signal, ops.zeros_like(signal))
        return ops.cast(ops.stop_gradient(signal), log_p.dtype) * log_p

    def _control_variate(self, parts):
        r"""(R - a Q - b) log p + a E[Q], equation 27 of the paper.

        Unbiased for any critic: the second term has the expected gradient of
        what the first is lessened by.
        """
        critics, name = self._critics, parts.name
        share = critics.options.control_weight
        factors = critics.plans[name].discounts.values()
        # A discounted critic predicts so much less than the cost.
        undo = ops.convert_to_tensor(
            [1 / x if x else 0.0 for x in factors], self._dtype
        )
        parts = dataclasses.replace(
            parts,
            weight=parts.weight * undo,
            changes=Changes(critics, name, parts.inputs, parts.weight * undo),
        )
        cost = ops.stop_gradient(self.below(self.run, name))
        left = cost - share * ops.cast(parts.changes.base(), cost.dtype)
        rest = ops.cast(critics.rest(name), cost.dtype)
        scored = self._scored(parts, left - rest)
        mean = self._counted if parts.counted else self._along_path
        total = scored + share * ops.cast(mean(parts), scored.dtype)
        finite = ops.where(ops.isfinite(left), left, rest)

        def observe():
            critics.observe_rest(name, ops.mean(finite))

        return total, observe


def _nothing():
    return None
