"""A model that is trained as a problem with constraints, layer by layer."""

import keras

from keras_bp._backend import check_tensorflow
from keras_bp._registration import serializable
from keras_bp.training import _lagrangian_fit as fitting
from keras_bp.training._implicit_losses import check_means
from keras_bp.training._lagrangian_arguments import (
    check_arguments,
    check_reach,
    check_rules,
    loaded,
    scheduled,
)
from keras_bp.training._lagrangian_constraints import Constraint
from keras_bp.training._lagrangian_graph import LagrangianGraph
from keras_bp.training._lagrangian_inspection import LagrangianInspection
from keras_bp.training._lagrangian_rates import add_number, add_stiffness
from keras_bp.training._lagrangian_step import train_step
from keras_bp.training._lagrangian_tables import Tables, memory, split
from keras_bp.training._local_trace import forget
from keras_bp.training._row_optimizers import RowOptimizers
from keras_bp.training._shards import height

_STEPS = {"transient": 10, "persistent": 5}


@serializable
class LagrangianModel(
    LagrangianInspection, fitting.LagrangianFitting, keras.Model
):
    r"""Trains a model without a pass backward through its layers.

    Neurons are unknowns, and a layer is a constraint between them. Training
    looks for a saddle point of

    .. math:: \sum_i V(f(x_{H,i}), y_i) + \sum_{l, i} \lambda_{l,i}
        G(r_{l,i}) + \frac{\rho}{2} G(r_{l,i})^2,
        \quad r_{l,i} = x_{l,i} - f_l(x_{l-1,i}),

    by descent on weights and unknowns x, and ascent on multipliers
    :math:`\lambda`, in all layers at once. Each layer reads what its neighbors
    hold and nothing else. Where everything is stationary and G(r) = r, the
    multipliers are the errors of backpropagation with the other sign, and the
    step of the weights is its step.

    A constraint is a layer with weights and what follows up to the next one:
    activation, normalization, pooling, and a sum with a branch. The states of
    `SimpleRNN`, `GRU` and `LSTM` are unknowns at each step of time. Layers
    that depend on the inputs alone and have nothing to train stay as they are.

    `predict` and `evaluate` use the weights alone, as any model.

    Args:
        model: Sequential or functional `keras.Model`, built, whose weights
            this model shares.
        constraint: String, G of the residual: `"lin"` r, `"abs"` |r|, `"eps"`
            max(|r| - epsilon, 0), `"lineps"` the same with the sign of r,
            `"squared"` r^2, or `"cubic"` r^3. Terms of `"abs"` and `"eps"`
            are their Moreau envelopes, unless there is an inequality.
        inequality: None, or `"phr"` for :math:`|r| \le \epsilon` with
            multipliers after Powell, Hestenes and Rockafellar: not negative,
            and the force is max(0, :math:`\lambda + \rho (|r| - \epsilon)`)
            with the sign of r (`"abs"`, `"eps"`; `"squared"` with squares of
            both); signed and soft-thresholded for `"lin"` and `"lineps"`. Not
            for `"cubic"`.
        epsilon: Float, zero or more, in units of the neurons, or a
            `LearningRateSchedule`.
        rho: Float, zero or more, or a `LearningRateSchedule`: the weight of
            the augmented terms.
        states: String. `"transient"`: unknowns begin each batch where the
            constraints hold, with multipliers of zero. `"persistent"`: each
            example has its own, which are kept, checkpointed with the model,
            and go on where they were. Replicas of `tf.distribute` share them
            out, and put them together again to save them: of several workers
            all have to save, or the first one waits for the others.
        inner_steps: Positive integer, steps of unknowns and multipliers for
            each step of weights. Information passes one layer a step, and
            one step of time in recurrent layers: transient states want more
            than there are layers, or the first ones do not learn. None is 10
            for `"transient"`, 5 for `"persistent"`.
        stabilizer: None, `"optimistic"` (derivatives are extrapolated from
            the last two) or `"extragradient"` (they are taken a step
            ahead, at twice the cost).
        transport: Boolean, whether persistent unknowns keep their distance to
            the constraints, and follow when other batches change the weights.
            If not, an epoch of changes becomes a residual of its own.
        num_examples: Integer, or None. How many examples persistent states
            are for; of arrays `fit` counts them.

    Call arguments:
        inputs, training: Those of the model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        RuntimeError: The backend is not TensorFlow.
        TypeError: `model` is neither Sequential nor functional, or an argument
            has a wrong type.
        ValueError: An argument is out of range, or a layer cannot be a
            constraint.

    Warns:
        UserWarning: Steps are too few for the first layers to learn.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import LagrangianModel
    >>> keras.utils.set_random_seed(0)
    >>> net = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras.layers.Dense(8, activation="tanh"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model = LagrangianModel(net)
    >>> model.compile(keras.optimizers.Adam(0.05), loss="mse")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 50, "float32")
    >>> y = np.array([[0], [1], [1], [0]] * 50, "float32")
    >>> history = model.fit(
    ...     x, y, batch_size=4, epochs=8, shuffle=False, verbose=0
    ... )
    >>> history.history["loss"][-1] < 0.05
    True

    Reference:
        - A. Betti, M. Gori and G. Marra, Backpropagation and Biological
          Plausibility, 2018, https://arxiv.org/abs/1808.06934
        - G. Marra et al., Local Propagation in Constraint-based Neural
          Networks, 2020, https://arxiv.org/abs/2002.07720
    """

    def __init__(
        self,
        model,
        constraint="lin",
        inequality=None,
        epsilon=0.0,
        rho=100.0,
        states="transient",
        inner_steps=None,
        stabilizer=None,
        transport=True,
        num_examples=None,
        **kwargs,
    ):
        # The wrapped model casts its inputs itself.
        super().__init__(autocast=False, **kwargs)
        self._arguments = {
            "constraint": constraint,
            "inequality": inequality,
            "epsilon": epsilon,
            "rho": rho,
            "states": states,
            "inner_steps": inner_steps,
            "stabilizer": stabilizer,
            "transport": transport,
            "num_examples": num_examples,
        }
        check_tensorflow(type(self).__name__, "for its tape")
        check_arguments(model, self._arguments)
        for name, value in self._arguments.items():
            setattr(self, name, value)
        self.inner_steps = inner_steps or _STEPS[states]
        self.model = model
        self.graph = LagrangianGraph(model)
        check_reach(self.graph, states, self.inner_steps)
        if states == "persistent":
            self.graph.check_persistent()
        self.constraint_rule = Constraint(constraint, inequality)
        self.tables = None
        self.steps = add_number(self, "steps", "int32")
        self.trouble = add_number(self, "trouble", "int32")
        self.stiffness, self.directions = add_stiffness(self)
        self.residual_tracker = keras.metrics.Mean("residual")
        self.built = True

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        *,
        state_optimizer=None,
        multiplier_optimizer=None,
        **kwargs,
    ):
        """Configures the training.

        Args:
            optimizer: Of the weights.
            loss: As for `keras.Model.compile`.
            state_optimizer: `keras.optimizers.SGD`, `RMSprop` or `Adam` for
                the unknowns, with slots for each example. None is SGD with a
                momentum of 0.5 and, for each layer, the largest rate that its
                measured stiffness allows.
            multiplier_optimizer: The same for the multipliers. None is SGD
                with a rate of `rho / 10`, or of persistent states of
                `rho / 10` times rho over the stiffness of the unknown.
            **kwargs: Those of `keras.Model.compile`.

        Raises:
            ValueError: A loss is no mean over the batch, an optimizer is of
                another kind, or needs other slots than the states have.
        """
        check_means(loss, type(self).__name__)
        self.graph.check_known()
        forget(self)
        check_rules(self, state_optimizer, multiplier_optimizer)
        rules = RowOptimizers(
            state_optimizer, multiplier_optimizer, self.stabilizer
        )
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        self.rules = rules
        self.state_optimizer = rules.values.optimizer
        self.multiplier_optimizer = rules.multipliers.optimizer
        if self.states == "persistent" and self.num_examples is not None:
            self.make_tables(self.num_examples)

    def get_compile_config(self):
        config = super().get_compile_config()
        if not self.compiled:
            return config
        return {**config, **self.rules.config()}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def make_tables(self, count):
        """Makes tables for a number of examples, or checks those there are."""
        if self.tables is None:
            self.num_examples = count
            strategy = self.distribute_strategy
            with strategy.scope():
                self.tables = Tables(
                    self.graph, count, self.rules.slots, strategy
                )
        else:
            self.tables.check(self.rules.slots)

    def state_memory(self, num_examples=None):
        """Bytes of persistent states, of all examples or of as many.

        Of each replica, where replicas of `tf.distribute` share them out.
        """
        count = self.num_examples if num_examples is None else num_examples
        if count is None:
            raise ValueError(
                f"{type(self).__name__} expects `num_examples`. Received: None"
            )
        fitting.check_compiled(self, "`state_memory`")
        rows = height(count, self.distribute_strategy.num_replicas_in_sync)
        return memory(self.graph.unknowns, rows, sum(self.rules.slots))

    def rho_now(self):
        """The weight of the augmented terms in this step, a scalar."""
        return scheduled(self.rho, self.steps)

    def epsilon_now(self):
        """The half-width of the tolerance in this step, a scalar."""
        return scheduled(self.epsilon, self.steps)

    def call(self, inputs, training=False):
        return self.model(split(inputs)[1], training=training)

    def compute_output_shape(self, input_shape):
        return self.model.compute_output_shape(input_shape)

    def train_step(self, data):
        if self.states == "persistent":
            x = keras.utils.unpack_x_y_sample_weight(data)[0]
            fitting.check_index(self, split(x)[0])
        return train_step(self, data)

    def test_step(self, data):
        logs = super().test_step(data)
        # Plain predictions have no residuals.
        return {k: v for k, v in logs.items() if k != "residual"}

    def get_config(self):
        config = {
            name: keras.saving.serialize_keras_object(value)
            for name, value in self._arguments.items()
        }
        return {
            **super().get_config(),
            **config,
            "num_examples": self.num_examples,
            "model": keras.saving.serialize_keras_object(self.model),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**loaded(config, custom_objects))
