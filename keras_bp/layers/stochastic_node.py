"""The layer that draws a sample, a node of a stochastic graph."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._node_baseline import make_baseline
from keras_bp.layers._node_critic import NodeCritic
from keras_bp.layers._node_noise import NoiseSource
from keras_bp.layers._node_rules import (
    auto_estimator,
    check_inference,
    check_local,
    check_path,
)
from keras_bp.layers._node_shapes import node_shapes
from keras_bp.layers._seeded import SeededLayer
from keras_bp.ops.node_distribution import node_distribution
from keras_bp.ops.node_estimators import (
    DISTRIBUTIONS,
    get_node_estimator,
)

INFERENCES = ("sample", "mean", "mode")


@serializable
class StochasticNode(SeededLayer, keras.layers.Layer):
    r"""Draws a sample of a distribution, whose parameters are its input.

    Put it where a random choice is made: bits, a class, a normal vector. How
    the parameters get their gradient is the estimator's matter. *Local*
    estimators (`keras_bp.ops.node_estimators(kind="local")`) are backward
    rules of the sample, and work under plain `fit`. *Cost* estimators
    (`kind="cost"`) weigh the score :math:`\nabla\log p` with the costs below
    the node; they work under `keras_bp.training.SurrogateModel`, and any other
    model raises when it trains them. Each estimator states its formula and
    whether it is unbiased: see `keras_bp.ops.estimators`.

    Samples and densities are computed in float32 under mixed precision.

    Args:
        distribution: String, `"bernoulli"` (bits from logits),
            `"categorical"` or `"one_hot"` (from logits along the last axis),
            `"normal"` or `"mvn_diag"` (from a pair of tensors, mean and
            standard deviation, or one with means and raw deviations along
            the last axis), or a function from the input to a
            `tfp.distributions.Distribution`, registered with Keras if the
            model is to be saved. Defaults to `"bernoulli"`.
        estimator: String, a name from `keras_bp.ops.node_estimators()`, or
            `"auto"`: reparameterized where samples have a path, else `"rloo"`
            for several samples, else `"disarm"` for bits and `"score"` with a
            moving average for the rest. Defaults to `"auto"`.
        baseline: `None`, `"moving_average"` (of the costs), `"learned"` (a
            network of the parameters), `"optimal"` (a constant for each
            parameter), or a layer from the parameters to `(batch, 1)`. For the
            estimators `"score"` and `"muprop"`. Defaults to `None`.
        temperature: Positive float, of `"gumbel"` and `"st_gumbel"`, driven by
            `keras_bp.callbacks.TemperatureSchedule`; the initial one of
            `"rebar"` and `"relax"`, which train it. Defaults to `1.0`.
        samples: Integer, samples of each example under a `SurrogateModel`.
            What is below sees each of them. Defaults to `1`.
        event_ndims: Integer, trailing axes of a sample that are one event, or
            None for what the distribution says. Defaults to `None`.
        inference: String, the output when not training: `"sample"`, `"mean"`
            or `"mode"`. Defaults to `"sample"`.
        critic_units: Integer, width of the network of `"lax"` and `"relax"`.
            Defaults to `10`.
        seed: Integer or None. Defaults to `None`, a random seed.

    Call arguments:
        inputs: Float tensor, batch first, or a list of them.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        `(batch, ...)`.

    Output shape:
        That of the input; without its last axis for `"categorical"`, which
        returns int32, and half of it for one input of `"normal"`.

    Attributes:
        unbiased: Boolean, whether the expected estimate is the gradient.

    Raises:
        ValueError: A name is unknown, the pair of distribution and estimator
            is not defined (the message says why), or the layer is trained by
            a model that supplies no costs.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import StochasticNode
    >>> node = StochasticNode("bernoulli", inference="mean")
    >>> np.asarray(node(np.array([[0.0, 2.0]])))
    array([[0.5      , 0.8807971]], dtype=float32)

    Reference:
        Schulman et al., 2015, https://arxiv.org/abs/1506.05254.
    """

    def __init__(
        self,
        distribution="bernoulli",
        estimator="auto",
        baseline=None,
        temperature=1.0,
        samples=1,
        event_ndims=None,
        inference="sample",
        critic_units=10,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        if not callable(distribution):
            known = [name for name in DISTRIBUTIONS if name != "callable"]
            _checks.check_one_of(
                "distribution", distribution, known, owner=owner
            )
        _checks.check_positive("temperature", temperature, owner=owner)
        _checks.check_integer("samples", samples, owner=owner, minimum=1)
        if event_ndims is not None:
            _checks.check_integer(
                "event_ndims", event_ndims, owner=owner, minimum=0
            )
        _checks.check_one_of("inference", inference, INFERENCES, owner=owner)
        _checks.check_integer(
            "critic_units", critic_units, owner=owner, minimum=1
        )
        self.distribution = distribution
        self.estimator = estimator
        self.baseline = baseline
        self.initial_temperature = float(temperature)
        self.samples = int(samples)
        self.event_ndims = event_ndims
        self.inference = inference
        self.critic_units = int(critic_units)
        self.seed = seed
        self.supports_masking = True
        self.noise_dtype = (
            "float64" if self.compute_dtype == "float64" else "float32"
        )
        self.seed_generator = _random.seed_generator(seed, self)
        check_inference(self)
        # For a function, "auto" waits until it has been called.
        self.rule = None
        if not (callable(distribution) and estimator == "auto"):
            self._choose(reparameterized=False)

    @property
    def distribution_name(self):
        """Name of the distribution; `"callable"` for a function."""
        return "callable" if callable(self.distribution) else self.distribution

    @property
    def unbiased(self):
        return self.rule is not None and self.rule.unbiased

    @property
    def is_local(self):
        """Whether any model can train it."""
        local = self.rule is not None and self.rule.kind == "local"
        return local and self.samples == 1

    def _choose(self, reparameterized):
        name, baseline = self.estimator, self.baseline
        if name == "auto":
            name, baseline = auto_estimator(self, reparameterized)
        owner = type(self).__name__
        self.rule = get_node_estimator(
            name, self.distribution_name, owner=owner
        )
        self.baseline_state = make_baseline(self, baseline, owner)
        self.critic = None
        if self.rule.critic:
            self.critic = NodeCritic(
                self,
                self.rule.critic,
                self.critic_units,
                self.initial_temperature,
            )

    def build(self, input_shape):
        shapes = node_shapes(self, input_shape)
        self._output_tail, self._output_dtype = shapes.output, shapes.dtype
        if self.rule is None:
            self._choose(shapes.reparameterized)
        check_path(self, shapes)
        self.temperature = self.add_weight(
            name="node_temperature",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_temperature),
            dtype=self.noise_dtype,
            autocast=False,
            trainable=False,
        )
        self.baseline_state.build(shapes.params)
        if self.critic is not None:
            self.critic.build((None, *shapes.output), shapes.params)

    def distribution_of(self, inputs):
        """The `node_distribution` of inputs, in float32 or float64."""
        inputs = keras.tree.map_structure(
            lambda x: ops.cast(x, self.noise_dtype), inputs
        )
        return node_distribution(self.distribution, inputs, self.event_ndims)

    @property
    def noise_source(self):
        return NoiseSource(self.seed_generator, self.noise_dtype)

    def noise_of(self, distribution):
        """Draws the noise of one sample for each row."""
        return distribution.noise(self.noise_source)

    def sample_of(self, distribution, noise, training=True):
        """The sample, with the backward rule of a local estimator."""
        relaxed = self.rule.name == "gumbel" and not training
        if self.rule.kind == "local" and not relaxed:
            return self.rule.rule(distribution, noise, self.temperature)
        return ops.stop_gradient(distribution.sample(noise))

    def to_output(self, value):
        """Casts a value of the distribution to the type of the output."""
        return ops.cast(value, self._output_dtype)

    def call(self, inputs, training=False):
        if training:
            check_local(self)
        distribution = self.distribution_of(inputs)
        if not training and self.inference != "sample":
            return self.to_output(getattr(distribution, self.inference)())
        noise = self.noise_of(distribution)
        return self.to_output(self.sample_of(distribution, noise, training))

    def compute_output_shape(self, input_shape):
        shape = input_shape
        if isinstance(shape[0], (list, tuple)):
            shape = shape[0]
        tail = node_shapes(self, input_shape).output
        return (shape[0], *tail)

    def compute_output_spec(self, inputs, training=False):
        shape = keras.tree.map_structure(lambda x: x.shape, inputs)
        return keras.KerasTensor(
            self.compute_output_shape(shape), dtype=self._output_dtype
        )

    def get_config(self):
        keep = keras.saving.serialize_keras_object
        named = self.distribution
        plain = isinstance(named, str)
        simple = self.baseline is None or isinstance(self.baseline, str)
        return {
            **super().get_config(),
            "distribution": named if plain else keep(named),
            "estimator": self.estimator,
            "baseline": self.baseline if simple else keep(self.baseline),
            "temperature": self.initial_temperature,
            "samples": self.samples,
            "event_ndims": self.event_ndims,
            "inference": self.inference,
            "critic_units": self.critic_units,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("distribution", "baseline"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        return cls(**config)
