"""One step of the critics."""

import dataclasses
import math

import keras
from keras import ops

from keras_bp.training._backprop_q_plan import children_of
from keras_bp.training._backprop_q_replay import (
    Replay,
    Resampled,
    record_of,
    repeated,
    targets_in,
)
from keras_bp.training._backprop_q_targets import Costs, Returns, critic_losses
from keras_bp.training._local_trace import settled


@dataclasses.dataclass(frozen=True)
class CriticLogs:
    """What a step of the critics tells.

    Attributes:
        loss: Scalar, the sum of the mean squared errors of all critics.
        lost: Scalar, the share of targets that were not finite.
    """

    loss: object
    lost: object


class Learning:
    """Trains the critics of a model.

    Args:
        graph: `StochasticGraph`, with the nodes as they are trained.
        slots: Dictionary from a cost to its `Slot`.
        losses: Dictionary from an output to its `CompiledLoss`.
        critics: `Critics`.
    """

    def __init__(self, graph, slots, losses, critics):
        self._graph, self._slots, self._losses = graph, slots, losses
        self.critics, self.options = critics, critics.options
        self._children = {
            (name, cost): children_of(graph, name, slot)
            for cost, slot in slots.items()
            for name in graph.ancestors([slot])
        }
        self._replay = None

    @property
    def variables(self):
        return self.critics.trainable_variables

    def children(self, name, cost):
        return self._children[name, cost]

    def costs(self, targets):
        return Costs(self._graph, self._losses, targets, self.critics.kind)

    def returns(self, run, costs, trace=None):
        trace = self.options.trace if trace is None else trace
        return Returns(self.critics, self.children, run, costs, trace)

    def step(self, run, targets, optimizer, replicas=1):
        """One batch: as many steps as the options say.

        Returns:
            `CriticLogs`, before the last of them.
        """
        record = None
        # Expected targets need no tuples.
        if self.options.replay is not None and not run.weights:
            _check_alone(replicas)
            record = record_of(run, self.critics.plans.values(), targets)
            self._make_replay(record)
            self._replay.push(record)
        for _ in range(self.options.steps):
            terms = self._terms(run, targets, record)
            logs = self._apply(terms, optimizer, replicas)
        return logs

    def _make_replay(self, record):
        import tensorflow as tf

        if self._replay is None:
            with tf.init_scope():
                shapes = {
                    key: keras.KerasTensor(x.shape, dtype=x.dtype.name)
                    for key, x in record.items()
                }
                self._replay = Replay(
                    self.options.replay.size,
                    shapes,
                    self.critics.seed_generator,
                )

    def _terms(self, run, targets, record):
        """Functions without arguments: for each critic, what it learns from."""
        if record is None:
            costs = self.costs(targets)
            returns = self.returns(run, costs)
            return [
                lambda name=name: (name, run, costs, returns)
                for name in self.critics.plans
            ]
        rows = ops.shape(next(iter(record.values())))[0]
        drawn = repeated(self._replay.draw(rows), self.options.replay.draws)
        return [
            lambda name=name: self.resampled(name, drawn)
            for name in self.critics.plans
        ]

    def resampled(self, name, record, trace=None):
        """A pass below a node whose scope is given, and its returns."""
        plan = self.critics.plans[name]
        trace = self.options.trace if trace is None else trace
        slots = {
            slot.index: slot
            for cost in plan.sources
            for slot in self._wanted(name, cost, trace)
        }
        run = Resampled(self._graph, record, plan, slots.values())
        costs = self.costs(targets_in(record))
        return name, run, costs, self.returns(run, costs, trace)

    def _wanted(self, name, cost, trace, seen=None):
        """The slots that the target of a node for a cost is made of."""
        seen = set() if seen is None else seen
        if name in seen:
            return []
        seen.add(name)
        children = self.children(name, cost)
        if not children:
            return [self._slots[cost]]
        found = []
        for child in children:
            deep = child not in self.critics.plans
            found.append(self._graph.nodes[child].outputs)
            if not deep and trace < 1:
                for each in self.critics.plans[child].inputs:
                    if each.kind == "node":
                        found.append(self._graph.nodes[each.name].outputs)
                    if each.kind == "noise":
                        found.append(each.place)
            if deep or trace > 0:
                found += self._wanted(child, cost, trace, seen)
        return found

    def _apply(self, terms, optimizer, replicas):
        import tensorflow as tf

        total, plain, lost = 0.0, 0.0, 0.0
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x.value for x in self.variables])
            for make in terms:
                name, run, costs, returns = make()
                loss, square, missing = critic_losses(
                    self.critics, name, run, costs, returns
                )
                total, plain, lost = (
                    total + loss,
                    plain + square,
                    lost + missing,
                )
            scaled = optimizer.scale_loss(total / replicas)
        self._move(tape, scaled, optimizer)
        self.critics.follow()
        lost = lost / len(terms)
        # Of no target at all there is no error.
        plain = ops.where(lost < 1, plain, math.nan * ops.ones_like(plain))
        return CriticLogs(plain, lost)

    def _move(self, tape, loss, optimizer):
        variables = self.variables
        if not variables:
            return
        gradients = tape.gradient(
            loss, [x.value for x in variables], unconnected_gradients="zero"
        )
        # One critic learns from others, which are written too.
        gradients = settled(gradients)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))


def _check_alone(replicas):
    if replicas > 1:
        raise ValueError(
            "BackpropQModel has a replay on one replica alone: each would hold "
            f"tuples of its own. Received: {replicas} replicas"
        )
