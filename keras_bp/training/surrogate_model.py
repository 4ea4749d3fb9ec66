"""The model that trains stochastic nodes by the costs below them."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers._node_rules import check_local
from keras_bp.training._compiled_losses import (
    compiled_losses,
    targets_by_output,
)
from keras_bp.training._graph_checks import (
    check_graph,
    check_paths,
    local_values,
)
from keras_bp.training._local_trace import settled
from keras_bp.training._objective import Objective, Supervision
from keras_bp.training._pass import Mode, Pass
from keras_bp.training._penalties import cost_dtype, penalty
from keras_bp.training._surrogate import Surrogate
from keras_bp.training.stochastic_graph import StochasticGraph, slots_in

OBJECTIVES = ("expected_cost", "multi_sample_bound")


@serializable
class SurrogateModel(keras.Model):
    r"""Trains a functional model of stochastic nodes and costs.

    The objective is the expected sum of all costs: the outputs of `CostNode`
    layers, and the losses given to `compile` on the other outputs. It is
    differentiated as it stands along paths, and each `StochasticNode` with a
    cost estimator adds a surrogate, in which it is weighed with the costs
    below it and with no others. For the score function

    .. math:: \sum_c c + \sum_w \overline{\Big(\sum_{c \succ w} c - b_w\Big)}
              \log p(w)

    where what has a bar, and the sample of such a node, is held constant.

    What a cost estimator evaluates once more runs the layers below the node
    once more, with the noise that stochastic nodes had, and new noise of
    layers such as `Dropout`.

    Args:
        inputs: As in `keras.Model`.
        outputs: As in `keras.Model`; costs among them.
        name: String or None.

    `compile` takes the arguments of `keras.Model.compile`, and:
        loss: One for each output that is not a cost, or one for all.
        objective: String, `"expected_cost"`, or `"multi_sample_bound"`,
            :math:`-\log\frac1K\sum_k e^{-c_k}` over the samples of an example.
            Defaults to `"expected_cost"`.

    Attributes:
        stochastic_graph: `StochasticGraph` of the model.
        unbiased: Boolean, whether all nodes are.
        objective: String, as given to `compile`.
        cost_slots: Dictionary from the name of each cost, the losses given to
            `compile` among them, to its `Slot`.

    Raises:
        ValueError: When compiled: a node has no cost below it, or not the
            samples that its estimator compares; losses do not fit the outputs.
            When trained: no path from a reparameterized node to the costs.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import SurrogateModel
    >>> logits = keras.Input((4,))
    >>> bits = StochasticNode("bernoulli", estimator="disarm")(
    ...     keras.layers.Dense(8)(logits)
    ... )
    >>> model = SurrogateModel(logits, keras.layers.Dense(4)(bits))
    >>> model.compile("adam", loss="mse")
    >>> x = np.ones((16, 4), "float32")
    >>> "loss" in model.fit(x, x, verbose=0).history
    True

    Reference:
        Schulman et al., 2015, https://arxiv.org/abs/1506.05254.
    """

    # StochasticGraph may look into it.
    reads_as_graph = True

    @property
    def stochastic_graph(self):
        if getattr(self, "_graph", None) is None:
            self._graph = StochasticGraph(self)
        return self._graph

    @property
    def unbiased(self):
        return all(
            step.operation.unbiased
            for step in self.stochastic_graph.nodes.values()
        )

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        objective="expected_cost",
        **kwargs,
    ):
        owner = type(self).__name__
        _checks.check_one_of("objective", objective, OBJECTIVES, owner=owner)
        super().compile(optimizer=optimizer, **kwargs)
        self._output_losses = compiled_losses(
            loss, loss_weights, self._predictions()
        )
        self.objective = objective
        self._own_config = keras.saving.serialize_keras_object(
            {
                "loss": loss,
                "loss_weights": loss_weights,
                "objective": objective,
            }
        )
        check_graph(self.stochastic_graph, self._output_losses, objective)
        names = list(self.cost_slots)
        self._old_trackers = [
            *getattr(self, "_old_trackers", []),
            *getattr(self, "_cost_trackers", []),
        ]
        # One cost is the loss itself.
        self._cost_trackers = [
            keras.metrics.Mean(name=name) for name in names if len(names) > 1
        ]

    @property
    def metrics(self):
        # Those of an earlier `compile` are still tracked.
        old = {id(metric) for metric in getattr(self, "_old_trackers", [])}
        return [x for x in super().metrics if id(x) not in old]

    def get_compile_config(self):
        return {**super().get_compile_config(), "own": self._own_config}

    def compile_from_config(self, config):
        config = dict(config)
        own = keras.saving.deserialize_keras_object(config.pop("own"))
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{**config, **own})
        self.optimizer.build(self.trainable_variables)

    @property
    def cost_slots(self):
        steps = self.stochastic_graph.costs
        losses = getattr(self, "_output_losses", {}).values()
        return {
            **{name: step.outputs for name, step in steps.items()},
            **{loss.name: loss.slot for loss in losses},
        }

    def _predictions(self):
        """The outputs that are not costs: dictionary from name to slot."""
        graph = self.stochastic_graph
        costs = [step.outputs for step in graph.costs.values()]
        return {
            name: slot
            for name, slot in zip(
                self.output_names, slots_in(graph.outputs), strict=True
            )
            if slot not in costs
        }

    def call(self, inputs, training=False, mask=None):
        # `fit` of this model does not come here: another one trains it.
        if training:
            for step in self.stochastic_graph.nodes.values():
                check_local(step.operation)
        run = self._run(inputs, Mode(bool(training), folded=False))
        for name, (cost, _) in run.costs.items():
            run.graph.costs[name].operation.add_loss(ops.mean(cost))
        return run.outputs()

    def _run(self, x, mode):
        graph = self.stochastic_graph
        return Pass(graph, graph.input_tensors(x), mode)

    def surrogate(
        self, x, y=None, sample_weight=None, update=False, enumerated=()
    ):
        """The surrogate of a batch, for a training loop of your own.

        Args:
            x: Inputs of the model.
            y: Targets of the losses given to `compile`.
            sample_weight: Weights of examples.
            update: Boolean, whether baselines learn from the batch.
            enumerated: Tuple of names of nodes whose states are gone through,
                beside those whose estimator does that.

        Returns:
            `Surrogate`.
        """
        run = self._run(x, Mode(enumerated=enumerated))
        return self._surrogate(run, y, sample_weight, update)

    def _surrogate(self, run, y, sample_weight, update=False):
        added = penalty(self.stochastic_graph)
        objective = self._objective_of(run, y, sample_weight)
        found = {
            name: objective.estimate(name)
            for name, step in run.graph.nodes.items()
            if step.operation.rule.kind == "cost"
            and not run.mode.enumerates(name, step.operation)
        }
        nodes = {name: part for name, (part, _) in found.items()}
        loss = objective.direct() + added
        total = sum(nodes.values(), loss)
        if update:
            # Not before: a baseline must not have seen the batch.
            learned = [observe() for _, observe in found.values()]
            total = sum((x for x in learned if x is not None), total)
        means, costs = objective.means(), objective.costs
        return Surrogate(total, loss, means, nodes, run, costs)

    def _objective_of(self, run, y, sample_weight):
        return Objective(
            run,
            self._supervision(y, sample_weight),
            self.objective == "multi_sample_bound",
            cost_dtype(self.stochastic_graph),
        )

    def train_step(self, data):
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            found = self.surrogate(x, y, sample_weight, update=True)
            # The optimizer adds up the gradients of all replicas.
            total = self.optimizer.scale_loss(found.surrogate / replicas)
        weights = self.trainable_variables
        paths = local_values(found.run)
        gradients, along = tape.gradient(total, [weights, list(paths.values())])
        check_paths(dict(zip(paths, along, strict=True)))
        # A graph without weights still has baselines to move.
        if weights:
            # An estimator reads what is below its node once more.
            pairs = zip(settled(gradients), weights, strict=True)
            self.optimizer.apply_gradients(pairs)
        return self._logs(found, x, y, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        run = self._run(x, Mode(training=False))
        objective = self._objective_of(run, y, sample_weight)
        loss = objective.direct() + penalty(self.stochastic_graph)
        means, costs = objective.means(), objective.costs
        found = Surrogate(loss, loss, means, {}, run, costs)
        return self._logs(found, x, y, sample_weight)

    def _logs(self, found, x, y, sample_weight):
        """Brings the metrics up to date, and returns them."""
        size = found.run.axes.batch
        values = {"loss": found.loss, **found.costs}
        for metric in self.metrics:
            if metric.name in values:
                metric.update_state(values[metric.name], sample_weight=size)
        y_pred = [
            found.run.picked(slot) for slot in self._predictions().values()
        ]
        if not y_pred or y is None:
            return self.get_metrics_result()
        if len(y_pred) == 1:
            (y_pred,) = y_pred
        elif isinstance(y, dict):
            y_pred = dict(zip(self._predictions(), y_pred, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _supervision(self, y, sample_weight):
        names = list(self._output_losses)
        if y is None and names:
            raise ValueError(
                f"{type(self).__name__} expects targets `y` for {names}. "
                "Received: y=None"
            )
        many = isinstance(sample_weight, (list, tuple, dict))
        outputs = self._predictions()
        return Supervision(
            self._output_losses,
            targets_by_output("y", y, outputs) if names else {},
            None if many else sample_weight,
            targets_by_output("sample_weight", sample_weight, outputs)
            if many
            else {},
        )
