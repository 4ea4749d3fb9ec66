"""What the models of local learning have in common."""

import dataclasses

import keras
from keras import ops

from keras_bp._registration import serializable
from keras_bp.training._lagrangian_graph import LagrangianGraph
from keras_bp.training._local_angles import update_angles
from keras_bp.training._local_checks import check_model
from keras_bp.training._local_trace import (
    forget,
    settled,
    traced,
    unscaled,
    weights_scope,
)
from keras_bp.training._replicas import replicas


@dataclasses.dataclass
class LocalStep:
    """What a rule makes of a batch.

    Attributes:
        gradients: List of a tensor for each of `trainable_variables`, or None.
        loss: Scalar.
        outputs: What the model returns, or None if it is not known.
        reports: List of pairs of a metric and a scalar.
    """

    gradients: list
    loss: object
    outputs: object
    reports: list = dataclasses.field(default_factory=list)


class LocalModel(keras.Model):
    """Trains a model, whose weights it shares, by a rule of its own.

    A subclass has `rule(x, y, sample_weight, scale)`, which returns a
    `LocalStep` with gradients times `scale`.

    Args:
        model: Sequential or functional `keras.Model`, built.
    """

    def __init__(self, model, **kwargs):
        # The wrapped model casts its inputs itself.
        super().__init__(autocast=False, **kwargs)
        check_model(model, type(self).__name__)
        self.model = model

    def compile(self, *args, **kwargs):
        """Configures the training, as `keras.Model.compile`."""
        graph = getattr(self, "graph", None)
        if isinstance(graph, LagrangianGraph):
            graph.check_known()
        forget(self)
        super().compile(*args, **kwargs)

    def get_compile_config(self):
        # What is kept here, Keras keeps too.
        return super().get_compile_config()

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def call(self, inputs, training=False):
        return self.model(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return self.model.compute_output_shape(input_shape)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        scale = self.optimizer.scale_loss(ops.ones(()))
        step = self.rule(x, y, sample_weight, scale)
        self.take(settled(step.gradients), scale)
        size = ops.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(step.loss * replicas(), sample_weight=size)
        for metric, value in step.reports:
            metric.update_state(value, sample_weight=size)
        return self.logs(x, y, step.outputs, sample_weight)

    def take(self, gradients, scale):
        """Moves the weights by gradients, which are times `scale`."""
        self.optimizer.apply(gradients, self.trainable_variables)

    def logs(self, x, y, outputs, sample_weight):
        """What a step reports."""
        return self.compute_metrics(x, y, outputs, sample_weight)

    def loss_of(self, y, outputs, sample_weight):
        """The loss of some outputs, and penalties, a scalar."""
        return self.compute_loss(
            x=None,
            y=y,
            y_pred=outputs,
            sample_weight=sample_weight,
            training=True,
        )

    def backpropagated(self, x, y, sample_weight, scale):
        """The gradients of the loss times `scale`, through all layers."""
        import tensorflow as tf

        weights = self.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self.model(x, training=True)
            loss = self.loss_of(y, outputs, sample_weight)
            scaled = loss * ops.cast(scale, loss.dtype)
        return tape.gradient(scaled, [w.value for w in weights])

    def local_gradients(self, x, y, sample_weight=None):
        """What the next step would give to the optimizer, without taking it.

        Args:
            x, y, sample_weight: A batch.

        Returns:
            List of pairs, a trainable variable and its gradient, None where
            the rule has none.
        """
        weights = self.trainable_variables

        def compute(x, y, sample_weight):
            scale = self.optimizer.scale_loss(ops.ones(()))
            with weights_scope(weights):
                found = self.rule(x, y, sample_weight, scale).gradients
            return [unscaled(gradient, scale) for gradient in found]

        found = traced(self, "local", compute)(x, y, sample_weight)
        return list(zip(weights, found, strict=True))

    def backprop_gradients(self, x, y, sample_weight=None):
        """As `local_gradients`, by backpropagation."""
        weights = self.trainable_variables

        def compute(x, y, sample_weight):
            scale = self.optimizer.scale_loss(ops.ones(()))
            with weights_scope(weights):
                found = self.backpropagated(x, y, sample_weight, scale)
            return [unscaled(gradient, scale) for gradient in found]

        found = traced(self, "true", compute)(x, y, sample_weight)
        return list(zip(weights, found, strict=True))

    def feedback_pairs(self):
        """List of pairs: a weight, and what feedback has in its place."""
        return []

    def update_angles(self, x, y, sample_weight=None):
        """Compares the next step with that of backpropagation, layer by layer.

        Args:
            x, y, sample_weight: A batch.

        Returns:
            Dictionary from the name of a layer to a dictionary of floats:
            `"angle"` between both gradients of its weights, in degrees,
            `"ratio"` of their norms, and, where a layer has feedback weights,
            `"alignment"`, the angle between these and its weights.
        """
        return update_angles(self, x, y, sample_weight)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**{**config, "model": model})


@serializable
class BackpropModel(LocalModel):
    """Trains a model by backpropagation, with the interface of the others.

    Args:
        model: Sequential or functional `keras.Model`, built.
    """

    def __init__(self, model, **kwargs):
        super().__init__(model, **kwargs)
        self.built = True

    def rule(self, x, y, sample_weight, scale):
        import tensorflow as tf

        weights = self.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([w.value for w in weights])
            outputs = self.model(x, training=True)
            loss = self.loss_of(y, outputs, sample_weight)
            scaled = loss * ops.cast(scale, loss.dtype)
        found = tape.gradient(scaled, [w.value for w in weights])
        return LocalStep(found, loss, outputs)
