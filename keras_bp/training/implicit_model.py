"""A model that takes implicit steps."""

import inspect

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.training import _implicit_apply as applying
from keras_bp.training._implicit_diagnostics import diagnostics
from keras_bp.training._implicit_layers import weights_of
from keras_bp.training._implicit_search import (
    check_model,
    implicit_layers,
    summary,
)
from keras_bp.training._implicit_step import forward
from keras_bp.training._replicas import everywhere, replicas

RULES = ("dual", "layerwise", "averaged", "truncated")
_UNKNOWN = keras.initializers.Constant(-1.0)


@serializable
class ImplicitModel(SeededLayer, keras.Model):
    r"""Trains a model by implicit stochastic gradient descent.

    An explicit step goes where the gradient points; an implicit one goes where
    the loss and the way to it are least together,
    :math:`\arg\min_w \ell(w) + \|w - w_0\|^2 / (2\eta)`. Use it where a good
    learning rate is not known. It wraps a model, whose weights it shares, and
    is compiled, fitted and saved as any other.

    With the rows :math:`Z` that the weights of a layer are multiplied with
    (inputs of a dense layer and a one for its bias, patches of a convolution,
    steps of a recurrent layer), gradients :math:`G` of its logits, and `n`
    terms of a mean loss, the rules are:

    - `"dual"`: one problem for all examples and units,
      :math:`\Delta W = -\eta (I + \eta h Z^\top Z / n)^{-1} Z^\top G`, solved
      for samples or features, whichever are fewer. The curvature `h` of each
      layer is a running mean of :math:`s\,\|\nabla_W \sum \pm \sqrt{\beta}\,
      q\|^2 / (\mathrm{units} \cdot \|Z\|^2)`, whose trace is that of the
      Gauss-Newton matrix, with random signs for the output logits `q`, the
      bound :math:`\beta` of the second derivative of the loss, and
      `curvature_scale` s.
    - `"layerwise"`: the rule of the paper. Each unit and example has a problem
      of its own, :math:`u = b\,\sigma'(c - \eta \|z\|^2 u)`, with everything
      behind the activation linearized. It bounds the steps of units that
      saturate; a linear unit, and an active ReLU whose output is to grow, take
      explicit steps.
    - `"averaged"`: the mean of the full implicit steps of examples.
    - `"truncated"`: an explicit step that ends where the linear model of the
      loss is zero.

    L2 penalties of layers are part of the proximal problem. What a rule does
    not know is trained explicitly, and `implicit_summary` says so. By a batch
    whose loss is not finite no weight, moving statistic or slot of the
    optimizer moves (with several replicas momentum still moves weights).

    Args:
        model: `keras.Model`. One that is not built yet is built with this.
        rule: String, `"dual"`, `"layerwise"`, `"averaged"` or `"truncated"`.
        curvature_scale: Positive float, s of `"dual"`. Larger ones damp more.
        whole_loss: Boolean, whether `"layerwise"` and `"averaged"` keep softmax
            cross-entropy, binary cross-entropy and squared error whole behind
            a last dense layer, where the paper linearizes them.
        prox_learning_rate: Positive float, learning rate of the proximal
            problem, or None for that of the optimizer. Give one for optimizers
            that scale gradients themselves, such as Adam.
        layers: List of names, layers to be trained implicitly. None for all.
        seed: Integer or None, of the random signs and samples.
        exact: Boolean, whether replicas of `tf.distribute` step as one with
            the whole batch where a rule couples its examples: `"dual"` solves
            for the rows of all, which are gathered, and `"truncated"` measures
            the sum of their gradients. If not, each solves for its own.

    Call arguments:
        inputs, training: Those of the model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        RuntimeError: The backend is not TensorFlow.
        TypeError: `model` is no `keras.Model`.
        ValueError: An argument is out of range, `layers` names one that is not
            there, or no layer can be trained by the rule.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import ImplicitModel
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model = ImplicitModel(net, seed=0)
    >>> model.compile(keras.optimizers.SGD(1000.0), "mse")
    >>> x = np.eye(4, dtype="float32")
    >>> history = model.fit(x, x[:, :1], epochs=100, verbose=0)
    >>> history.history["loss"][-1] < 0.1
    True

    Reference:
        - F. Fagan and G. Iyengar, Robust Implicit Backpropagation, 2018,
          https://arxiv.org/abs/1808.02433, equations 4 to 6
        - H. Asi and J. Duchi, Stochastic (Approximate) Proximal Point
          Methods, 2019, https://arxiv.org/abs/1810.05633 (truncated models)
    """

    def __init__(
        self,
        model,
        rule="dual",
        curvature_scale=20.0,
        whole_loss=True,
        prox_learning_rate=None,
        layers=None,
        seed=None,
        exact=False,
        **kwargs,
    ):
        # The wrapped model casts its inputs itself.
        super().__init__(autocast=False, **kwargs)
        owner = type(self).__name__
        _checks.check_one_of("rule", rule, RULES, owner=owner)
        _checks.check_positive("curvature_scale", curvature_scale, owner=owner)
        if prox_learning_rate is not None:
            _checks.check_positive(
                "prox_learning_rate", prox_learning_rate, owner=owner
            )
        check_model(model, owner)
        self.model = model
        self.rule = rule
        self.curvature_scale = float(curvature_scale)
        self.whole_loss = bool(whole_loss)
        self.prox_learning_rate = prox_learning_rate
        self.chosen_layers = None if layers is None else list(layers)
        self.seed = seed
        self.exact = bool(exact)
        self.elsewhere = None
        self.seed_generator = _random.seed_generator(seed, self)
        self.steps = self.add_weight(
            name="steps",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        if model.built:
            self._find_layers()
            self.built = True

    def compile(self, *args, **kwargs):
        super().compile(*args, **kwargs)
        bind = inspect.signature(keras.Model.compile).bind
        given = bind(self, *args, **kwargs).arguments
        self.loss_weights = given.get("loss_weights")
        # Weights that more than their layers use; found in the first step.
        self.elsewhere = None

    def get_compile_config(self):
        return super().get_compile_config()

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def build(self, input_shape):
        if not self.model.built:
            self.model.build(input_shape)
        self._find_layers()
        self.built = True

    def build_for(self, x):
        """Builds it for a batch of inputs, if it is not built yet."""
        if self.built:
            return
        if not self.model.built:
            # By shapes alone: `build` of a subclass would not reach its layers.
            self.model(
                keras.tree.map_structure(
                    lambda a: keras.KerasTensor(a.shape, a.dtype), x
                )
            )
        self.build(keras.tree.map_structure(lambda a: a.shape, x))

    def _find_layers(self):
        self._layers_found, self._implicit = implicit_layers(
            self.model, self.rule, self.chosen_layers
        )
        self._curvatures = [
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

    def call(self, inputs, training=False):
        return self.model(inputs, training=training)

    # The learning rate of the proximal problem, a scalar tensor.
    proximal_rate = applying.proximal_rate

    def trained_implicitly(self):
        """List of pairs, a layer and the weight that holds its curvature.

        Of layers that are trained at all. The curvature is -1 where none was
        measured yet.
        """
        self._check_built()
        trainable = {id(x) for x in self.trainable_variables}
        if self.rule in ("layerwise", "averaged"):
            trainable -= self.elsewhere or set()
        return [
            (layer, curvature)
            for layer, curvature in zip(
                self._implicit, self._curvatures, strict=True
            )
            if all(id(x) in trainable for x in weights_of(layer))
        ]

    def _check_built(self):
        if not self.built:
            raise ValueError(
                f"{type(self).__name__} expects to be built before it tells "
                "of its layers. Received: a model that is not built; fit it, "
                "or call it on a batch"
            )

    def implicit_summary(self):
        """String with a line for each layer: its name, class, and step."""
        return summary(self, self.trained_implicitly(), self._layers_found)

    def implicit_diagnostics(self, x, y, sample_weight=None):
        """What the next step would do, layer by layer, without taking it.

        Args:
            x, y, sample_weight: A batch.

        Returns:
            Dictionary from the name of an implicit layer to a dictionary of
            floats: `"damping"`, the norm of the implicit step by that of the
            explicit one; for `"layerwise"` and `"averaged"` also
            `"several_roots"`, the share of units and examples whose problem
            has (or, for activations without a closed form, may have) more than
            one stationary point, and `"kink_hits"`, the share that ends on a
            kink of its activation.
        """
        return diagnostics(self, x, y, sample_weight)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        self.build_for(x)
        # Raises before anything is done if there is no rate.
        self.proximal_rate()
        before = applying.statistics(self)
        step, y_pred = forward(self, x, y, sample_weight)
        sound = ops.isfinite(step.loss)
        if self.exact:
            sound = everywhere(sound)
        applying.apply(self, step.gradients(), sound)
        applying.restore(self, before, sound)
        self.steps.assign_add(1)
        size = ops.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(step.loss * replicas(), sample_weight=size)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "rule": self.rule,
            "curvature_scale": self.curvature_scale,
            "whole_loss": self.whole_loss,
            "prox_learning_rate": self.prox_learning_rate,
            "layers": self.chosen_layers,
            "seed": self.seed,
            "exact": self.exact,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(
            config["model"], custom_objects=custom_objects
        )
        return cls(**{**config, "model": model})
