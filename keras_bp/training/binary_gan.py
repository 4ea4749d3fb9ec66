"""A GAN whose generator may emit bits."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.training._gan_checks import (
    NOT_OF_COMPILE,
    check_compile,
    check_networks,
    check_penalized,
    samples_alone,
    schedule_of,
    two_optimizers,
)
from keras_bp.training._gan_noise import NoisyModel, reseeded
from keras_bp.training._gan_objectives import OBJECTIVES, GANObjective
from keras_bp.training._gan_steps import Steps


@serializable
class BinaryGAN(NoisyModel, keras.Model):
    r"""Trains a generator against a discriminator, end to end.

    The generator may end in `keras_bp.layers.BinaryNeuron`, or hold a
    `StochasticNode`. Through a local estimator goes the gradient of the
    discriminator; for a cost estimator, such as `"rloo"` or `"disarm"`, the
    loss of the generator is the cost. With the discriminator :math:`D`, which
    returns logits, it minimizes:

    - `"gan"`: :math:`-E\log\sigma(D(x)) - E\log(1-\sigma(D(G(z))))`, and the
      generator :math:`-E\log\sigma(D(G(z)))`, which does not saturate.
    - `"wgan"`: :math:`E\,D(G(z)) - E\,D(x)`, with its weights clipped, and
      the generator :math:`-E\,D(G(z))`.
    - `"wgan-gp"`: the same without clipping, and with
      :math:`\lambda E(\|\nabla D(\hat x)\| - 1)^2` at :math:`\hat x =
      \epsilon x + (1-\epsilon) G(z)`, which lies between the bits.

    Each batch is seen by `critic_schedule` steps of the discriminator and by
    one of the generator. Both networks run in training mode; the statistics of
    batch normalization follow all steps. `discriminator_loss` has the gradient
    penalty in it in `fit`, and not in `evaluate`. The counter of batches, the
    state of the noise of all layers, and both optimizers are saved with the
    model, so that training goes on from a `.keras` file.

    Several replicas of `tf.distribute` need a constant `critic_schedule`, and
    batches that leave none of them without an example, whose losses would be
    NaN: `dataset.batch(size, drop_remainder=True)`.

    Args:
        generator: Built model from latents `(batch, ...)` to samples.
        discriminator: Built model from samples to logits `(batch, 1)`.
        objective: `"gan"`, `"wgan"` or `"wgan-gp"`. Defaults to `"wgan-gp"`.
        critic_schedule: `CriticSchedule`, or an integer for a constant one,
            or None for that of the paper: 100 steps for the first 25 batches
            and for every 500th, else 5. Defaults to `None`.
        gradient_penalty: Float :math:`\lambda`. Defaults to `10.0`.
        clip: Positive float, bound of all weights of the discriminator for
            `"wgan"`. Defaults to `0.01`.
        fresh_latents: Boolean, whether each step draws latents anew; else all
            of a batch share them, as in the published code. Defaults to `True`.
        seed: Integer or None, of the latents. Defaults to `None`.

    `compile` takes the arguments of `keras.Model.compile` but for `optimizer`,
    losses and metrics, and:
        generator_optimizer: Optimizer or None for that of the paper:
            `Adam(1e-4, beta_1=0.5, beta_2=0.9, epsilon=1e-8)`, for `"wgan"`
            `RMSprop(1e-4, rho=0.9, epsilon=1e-8)`.
        discriminator_optimizer: The same, another, without `use_ema`.

    Attributes:
        batches: Integer weight, batches of training so far.

    Input shape:
        Latents, as of the generator. `fit` takes samples.

    Output shape:
        That of the generator.

    Raises:
        ValueError: A name is unknown, a number out of range, shapes do not
            fit, or the discriminator ends in a sigmoid or softmax, has batch
            normalization (`"wgan-gp"`), or penalizes activities beside cost
            estimators. In `fit`: samples have another shape, targets are given
            (not weights alone), or replicas have no constant schedule.
        RuntimeError: When trained: the backend is not TensorFlow.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.layers import BinaryNeuron
    >>> from keras_bp.training import BinaryGAN
    >>> generator = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(6), BinaryNeuron()]
    ... )
    >>> discriminator = keras.Sequential(
    ...     [keras.Input((6,)), keras.layers.Dense(1)]
    ... )
    >>> gan = BinaryGAN(generator, discriminator, critic_schedule=2)
    >>> gan.compile()
    >>> history = gan.fit(np.ones((8, 6), "float32"), verbose=0)
    >>> gan.sample(3).shape
    (3, 6)

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, equations 1 to
        5, of which 5 has the gradient of a norm by mistake; Gulrajani et al.,
        2017, https://arxiv.org/abs/1704.00028.
    """

    log_names = (
        "generator_loss",
        "discriminator_loss",
        "gradient_norm",
        "critic_steps",
    )

    def __init__(
        self,
        generator,
        discriminator,
        objective="wgan-gp",
        critic_schedule=None,
        gradient_penalty=10.0,
        clip=0.01,
        fresh_latents=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        _checks.check_one_of("objective", objective, OBJECTIVES, owner=owner)
        _checks.check_not_negative(
            "gradient_penalty", gradient_penalty, owner=owner
        )
        _checks.check_positive("clip", clip, owner=owner)
        check_networks(generator, discriminator, owner)
        if objective == "wgan-gp":
            check_penalized(discriminator, owner)
        self.generator, self.discriminator = generator, discriminator
        self.objective = objective
        self.critic_schedule = schedule_of(critic_schedule, owner)
        self.gradient_penalty = float(gradient_penalty)
        self.clip = float(clip)
        self.fresh_latents = bool(fresh_latents)
        self.seed = seed
        self.seed_generator = _random.seed_generator(seed, self)
        self.batches = self.add_weight(
            name="batches",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True
        self._steps = Steps(self, GANObjective(objective))

    def compile(
        self, generator_optimizer=None, discriminator_optimizer=None, **kwargs
    ):
        owner = type(self).__name__
        check_compile(kwargs, owner)
        given = generator_optimizer, discriminator_optimizer
        pair = two_optimizers(given, self.objective, owner)
        super().compile(optimizer=pair[0], **kwargs)
        # Under mixed_float16 `compile` has wrapped it.
        scaled = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        if scaled and not isinstance(pair[1], type(self.optimizer)):
            pair[1] = keras.optimizers.LossScaleOptimizer(pair[1])
        self.discriminator_optimizer = pair[1]
        # A loaded state needs its place, and `fit` would trace twice.
        self.optimizer.build(self.generator.trainable_variables)
        pair[1].build(self.discriminator.trainable_variables)
        # Once: those of an earlier `compile` would still be tracked.
        if not hasattr(self, "_means"):
            self._means = {x: keras.metrics.Mean(x) for x in self.log_names}

    def get_compile_config(self):
        config = super().get_compile_config()
        if not self.compiled:
            return config
        config["discriminator_optimizer"] = keras.saving.serialize_keras_object(
            self.discriminator_optimizer
        )
        return config

    def compile_from_config(self, config):
        config = keras.saving.deserialize_keras_object(config)
        config["generator_optimizer"] = config.pop("optimizer")
        self.compile(
            **{k: v for k, v in config.items() if k not in NOT_OF_COMPILE}
        )

    def call(self, latents, training=False):
        return self.generator(latents, training=training)

    def compute_output_shape(self, input_shape):
        return self.generator.compute_output_shape(input_shape)

    def latents(self, number):
        """Draws standard normal latents.

        Args:
            number: Integer or scalar tensor.

        Returns:
            Tensor `(number, ...)`, as the generator takes it.
        """
        shape = (number, *self.generator.input_shape[1:])
        found = _random.normal(shape, self.seed_generator)
        return ops.cast(found, self.generator.inputs[0].dtype)

    def sample(self, number, seed=None, batch_size=256):
        """Draws samples, in inference mode.

        Args:
            number: Positive integer.
            seed: Integer, zero or more, for the same samples each time, whose
                noise leaves that of training as it was; or None for new ones.
            batch_size: Positive integer, how many at a time.

        Returns:
            Array `(number, ...)`.

        Raises:
            TypeError: An argument is no integer.
            ValueError: It is less than 1, or `seed` less than 0.
        """
        for name, value in (("number", number), ("batch_size", batch_size)):
            _checks.check_integer(name, value, owner="sample", minimum=1)
        if seed is not None:
            _checks.check_integer("seed", seed, owner="sample", minimum=0)
        with reseeded(self, seed):
            latents = ops.convert_to_numpy(self.latents(number))
            return self.predict(latents, batch_size=batch_size, verbose=0)

    def generator_term(self, latents):
        """What a subclass adds to the loss of the generator.

        Args:
            latents: Tensor, of a step of the generator.

        Returns:
            Pair: a scalar or None, and a dictionary of scalars for the logs,
            whose names are in `log_names`.
        """
        return None, {}

    def unrolls_steps(self):
        """Whether a constant number of steps is unrolled, and no loop."""
        return False

    def train_step(self, data, *more):
        x = self._samples(data)
        return self._logs(self._steps.train(x), ops.shape(x)[0])

    def test_step(self, data, *more):
        x = self._samples(data)
        return self._logs(self._steps.test(x), ops.shape(x)[0])

    def _samples(self, data):
        shape = self.discriminator.input_shape
        return samples_alone(data, shape, type(self).__name__)

    def _logs(self, values, number):
        """Means over samples, from those over a `number` of them."""
        for name, value in values.items():
            # Steps are counted by the batch.
            weight = None if name == "critic_steps" else number
            self._means[name].update_state(value, weight)
        return {name: self._means[name].result() for name in values}

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(
                self.discriminator
            ),
            "objective": self.objective,
            "critic_schedule": keras.saving.serialize_keras_object(
                self.critic_schedule
            ),
            "gradient_penalty": self.gradient_penalty,
            "clip": self.clip,
            "fresh_latents": self.fresh_latents,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("generator", "discriminator", "critic_schedule"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)
