"""The model whose stochastic nodes learn from critics."""

import keras
import numpy as np

from keras_bp._backend import check_tensorflow
from keras_bp._registration import serializable
from keras_bp.training._backprop_q_inspection import CriticInspection
from keras_bp.training._backprop_q_making import made_critics
from keras_bp.training._backprop_q_objective import CriticObjective
from keras_bp.training._backprop_q_plan import check_costs, named_nodes
from keras_bp.training._backprop_q_saving import TargetShapes
from keras_bp.training._backprop_q_views import modes_of, with_critics
from keras_bp.training._graph_checks import check_paths, local_values
from keras_bp.training._local_trace import settled
from keras_bp.training._pass import Mode
from keras_bp.training._penalties import cost_dtype
from keras_bp.training.critic_options import CriticOptions
from keras_bp.training.surrogate_model import SurrogateModel


@serializable
class BackpropQModel(CriticInspection, SurrogateModel):
    r"""Trains stochastic nodes by learned local costs.

    A `SurrogateModel` in which nodes have a critic instead of an estimator:
    a function of the scope of the node, with an output for each cost below
    it, that predicts this cost. Each learns from the critics next below, and
    from the costs where they are next; no cost is added to another, so that
    none is counted twice. What a node learns from its critic :math:`Q`:

    - `"all_action"`: :math:`\sum_k p_k Q_k` over the states of each unit, the
      other units held: for bits and classes.
    - `"reparameterized"`: the gradient of :math:`Q` in the sample, along the
      path of the sample.
    - `"advantage"`: :math:`(Q - V)\log p`, where :math:`V` is the mean of
      :math:`Q` over a node of one unit, else :math:`Q` at the node's mean.
    - `"control_variate"`: :math:`(R - aQ - b)\log p + a E[Q]` with the costs
      :math:`R` themselves, a moving average :math:`b`, and one of the first
      two for :math:`E[Q]`. Unbiased for any critic, and the only mode that is.
    - `"auto"`: the first that is defined for the node.

    What a layer such as `Dropout` above a node has made is part of the scope
    where a cost hangs on it too. A node without a mean takes another sample
    for :math:`V`. The other modes have a bias, that of the critic, and little
    variance. The gradient of a cost in the sample of a node with a critic does
    not flow; the critic's inputs and weights are constants to it.

    Args:
        inputs: As in `keras.Model`.
        outputs: As in `keras.Model`; costs among them.
        name: String or None.

    `compile` takes the arguments of `SurrogateModel.compile` but for
    `objective`, and:
        critic_optimizer: Optimizer of the critics. Defaults to `"adam"`.
        mode: String, or a dictionary from the name of a node to it. Defaults
            to `"auto"`.
        critic: `CriticOptions`, or None for the defaults.
        nodes: List of names of nodes, or None for all. The others keep their
            estimator.

    Attributes:
        critics: Layer that holds the critics. Its weights are saved with the
            model, but are none of its `weights`.
        critic_inputs: Dictionary from a node to what its critic sees, in
            order.

    Raises:
        ValueError: When compiled: a cost that no critic can reach, a mode that
            is not defined for a node, a critic with the wrong width, or a
            replay larger than its memory.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import BackpropQModel
    >>> x = keras.Input((4,))
    >>> bits = StochasticNode(name="bits")(keras.layers.Dense(8)(x))
    >>> model = BackpropQModel(x, keras.layers.Dense(4)(bits))
    >>> model.compile("adam", critic_optimizer="adam", loss="mse")
    >>> batch = np.ones((16, 4), "float32")
    >>> "critic_loss" in model.fit(batch, batch, verbose=0).history
    True

    Reference:
        Xu, Zu and Zhou, 2018, Backprop-Q, NIPS Deep RL workshop.
    """

    critics = None

    def compile(
        self,
        optimizer="rmsprop",
        critic_optimizer="adam",
        loss=None,
        loss_weights=None,
        mode="auto",
        critic=None,
        nodes=None,
        **kwargs,
    ):
        owner = type(self).__name__
        _check_arguments(owner, optimizer, critic_optimizer, critic, kwargs)
        self._modes = None
        plain = super().stochastic_graph
        names = named_nodes(plain, nodes, owner)
        modes = modes_of(plain, names, mode, owner)
        self._modes = modes
        self._seen = with_critics(plain, modes, [x.name for x in self.inputs])
        vars(self)["critics"] = self._learning = None
        super().compile(
            optimizer=optimizer, loss=loss, loss_weights=loss_weights, **kwargs
        )
        check_costs(plain, self.cost_slots, names, owner)
        self.critic_options = critic or CriticOptions()
        self.critic_optimizer = keras.optimizers.get(critic_optimizer)
        # Not a dictionary by itself, which Keras would track.
        self._given = lambda: {
            "loss": loss,
            "loss_weights": loss_weights,
            "mode": mode,
            "critic": self.critic_options,
            "nodes": nodes,
        }
        if not hasattr(self, "_critic_trackers"):
            self._critic_trackers = {
                key: keras.metrics.Mean(name=key)
                for key in ("critic_loss", "lost_targets")
            }
        # Files of weights are read in the order of names: this before the
        # critics and their optimizer. Not tracked as a layer.
        vars(self)["critic_file"] = TargetShapes(
            lambda: self.critics and self._target_shapes, self._build_critics
        )
        # `fit` would trace twice.
        self.optimizer.build(self._actor_variables())
        if not self._output_losses:
            self.build_critics()

    @property
    def stochastic_graph(self):
        if getattr(self, "_modes", None):
            return self._seen
        return super().stochastic_graph

    def get_compile_config(self):
        keep = keras.saving.serialize_keras_object
        config = {
            **super().get_compile_config(),
            "own": keep(self._given()),
            "critic_optimizer": keep(self.critic_optimizer),
        }
        if self.critics is not None:
            config["target_shapes"] = self._target_shapes
        return config

    def compile_from_config(self, config):
        config = dict(config)
        shapes = config.pop("target_shapes", None)
        own = keras.saving.deserialize_keras_object(config.pop("own"))
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{**config, **own})
        if shapes is not None and self.critics is None:
            self._build_critics(shapes)

    def build_critics(self, y=None):
        """Makes the critics, which the first batch does otherwise.

        The critics of a model with losses in `compile` see the targets, whose
        shapes are not known before.

        Args:
            y: Targets, as `fit` takes them.
        """
        if not self.compiled:
            raise ValueError(
                f"{type(self).__name__} has no critics before `compile`"
            )
        if self.critics is None:
            targets = self._supervision(y, None).targets
            self._build_critics({k: x.shape[1:] for k, x in targets.items()})

    def _build_critics(self, shapes):
        import tensorflow as tf

        self._target_shapes = {k: tuple(x) for k, x in shapes.items()}
        with tf.init_scope():
            learning = made_critics(
                self, self._target_shapes, list(self._modes)
            )
        # Not tracked as a layer: its weights are not those of the model.
        vars(self).update(critics=learning.critics, _learning=learning)
        self.critic_optimizer.build(learning.variables)

    def _objective_of(self, run, y, sample_weight):
        self.build_critics(y)
        return CriticObjective(
            run,
            self._supervision(y, sample_weight),
            cost_dtype(self.stochastic_graph),
            self.critics,
            self._modes,
        )

    def train_step(self, data):
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            found = self.surrogate(x, y, sample_weight, update=True)
            total = self.optimizer.scale_loss(found.surrogate / replicas)
        weights = self._actor_variables()
        paths = local_values(found.run)
        gradients, along = tape.gradient(total, [weights, list(paths.values())])
        check_paths(dict(zip(paths, along, strict=True)))
        if weights:
            gradients = settled(gradients)
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        self._learn(found.run, y, replicas)
        return self._logs(found, x, y, sample_weight)

    def _actor_variables(self):
        """Without what the own estimators of nodes with a critic train."""
        idle, busy = set(), set()
        for name, step in self.stochastic_graph.nodes.items():
            # A node that is applied twice may be both.
            part = idle if name in self._modes else busy
            part |= {id(x) for x in step.operation.variables}
        idle -= busy
        return [x for x in self.trainable_variables if id(x) not in idle]

    def _learn(self, run, y, replicas=1):
        targets = self._supervision(y, None).targets
        logs = self._learning.step(
            run, targets, self.critic_optimizer, replicas
        )
        for key, value in (
            ("critic_loss", logs.loss),
            ("lost_targets", logs.lost),
        ):
            self._critic_trackers[key].update_state(value)
        return logs.loss

    def train_critics(self, x, y=None, enumerated=()):
        """Trains the critics alone, on one batch.

        Args:
            x: Inputs of the model.
            y: Targets of the losses given to `compile`.
            enumerated: Tuple of names of nodes whose states are gone through:
                with all of them, targets are expected ones.

        Returns:
            Scalar, the sum of the critics' mean squared errors before the
            step, or before the last one of `CriticOptions.steps`.

        Raises:
            ValueError: Targets are not finite. In `fit` such examples train no
                critic, and `lost_targets` in the logs is their share.
        """
        self.build_critics(y)
        _check_finite(y, type(self).__name__)
        return self._learn(self._run(x, Mode(enumerated=enumerated)), y)

    def test_step(self, data):
        logs = super().test_step(data)
        return {k: v for k, v in logs.items() if k not in self._critic_trackers}


def _check_arguments(owner, optimizer, critic_optimizer, critic, kwargs):
    check_tensorflow(owner, "to train, for its tape")
    if "objective" in kwargs:
        raise ValueError(
            f"{owner} has the objective 'expected_cost' alone. Received: "
            f"objective={kwargs['objective']!r}"
        )
    if critic is not None and not isinstance(critic, CriticOptions):
        raise TypeError(
            f"{owner} expects `critic` to be keras_bp.training."
            f"CriticOptions, or None. Received: critic={critic!r}"
        )
    if optimizer is critic_optimizer and not isinstance(optimizer, str):
        raise ValueError(
            f"{owner} expects two optimizers, one of the critics alone. "
            f"Received: {optimizer!r} for both"
        )


def _check_finite(y, owner):
    for leaf in keras.tree.flatten(y):
        known = hasattr(leaf, "__array__") and not hasattr(leaf, "graph")
        if known and not np.isfinite(np.asarray(leaf, "float64")).all():
            raise ValueError(
                f"{owner} expects finite targets. Received: NaN or infinity"
            )
