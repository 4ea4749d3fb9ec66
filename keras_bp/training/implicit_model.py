"""A model that takes implicit steps."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.training._implicit_layers import implicit_kind
from keras_bp.training._implicit_search import layers_in
from keras_bp.training._implicit_step import forward

RULES = ("dual", "truncated")
_UNKNOWN = keras.initializers.Constant(-1.0)


@serializable
class ImplicitModel(SeededLayer, keras.Model):
    def __init__(
        self,
        model,
        rule="dual",
        curvature_scale=30.0,
        curvature_every=20,
        output_curvature=None,
        prox_learning_rate=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        _checks.check_one_of("rule", rule, RULES, owner=owner)
        _checks.check_positive("curvature_scale", curvature_scale, owner=owner)
        self.model = model
        self.rule = rule
        self.curvature_scale = float(curvature_scale)
        self.curvature_every = curvature_every
        self.output_curvature = output_curvature
        self.prox_learning_rate = prox_learning_rate
        self.seed = seed
        self.seed_generator = _random.seed_generator(seed, self)
        self._implicit = [x for x in layers_in(model) if implicit_kind(x)]
        self.curvatures = [
            self.add_weight(
                name=f"curvature_{index}",
                shape=(),
                initializer=_UNKNOWN,
                trainable=False,
                dtype="float32",
                autocast=False,
                aggregation="mean",
            )
            for index, _ in enumerate(self._implicit)
        ]
        self.steps = self.add_weight(
            name="steps",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, inputs, training=False):
        return self.model(inputs, training=training)

    def proximal_rate(self):
        """The learning rate of the proximal step."""
        if self.prox_learning_rate is not None:
            return ops.convert_to_tensor(self.prox_learning_rate, "float32")
        return ops.convert_to_tensor(self.optimizer.learning_rate)

    def trained_implicitly(self):
        """List of pairs, a layer and the weight that holds its curvature."""
        trainable = {id(x) for x in self.trainable_variables}
        return [
            (layer, curvature)
            for layer, curvature in zip(
                self._implicit, self.curvatures, strict=True
            )
            if layer.trainable_weights
            and all(id(x) in trainable for x in layer.trainable_weights)
        ]

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        step, y_pred = forward(self, x, y, sample_weight)
        _apply(self, step.gradients(), ops.isfinite(step.loss))
        self.steps.assign_add(1)
        size = ops.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(step.loss, sample_weight=size)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "rule": self.rule,
            "curvature_scale": self.curvature_scale,
            "curvature_every": self.curvature_every,
            "output_curvature": self.output_curvature,
            "prox_learning_rate": self.prox_learning_rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**{**config, "model": model})


def _apply(model, gradients, sound):
    """Steps unless the loss is not finite; then everything stays."""
    import tensorflow as tf

    optimizer, weights = model.optimizer, model.trainable_variables
    if not optimizer.built:
        optimizer.build(weights)

    def step():
        optimizer.apply(gradients, weights)
        return ops.zeros(())

    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        # Replicas step together: none may branch by itself.
        optimizer.apply([_or_zero(x, sound) for x in gradients], weights)
    else:
        tf.cond(sound, step, lambda: ops.zeros(()))


def _or_zero(gradient, sound):
    if gradient is None:
        return None
    return ops.where(sound, gradient, ops.zeros_like(gradient))
