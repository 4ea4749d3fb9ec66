"""A GAN whose generator is shaped by the spectrum of its Jacobian."""

import math

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.training._gan_spectrum import (
    JACOBIANS,
    SPECTRAL_LOGS,
    SpectralTerm,
    jacobian_model,
)
from keras_bp.training.binary_gan import BinaryGAN


@serializable
class SpectralGAN(BinaryGAN):
    r"""Trains a GAN with the implicit likelihood of its generator.

    A `BinaryGAN` whose generator has a term more in its loss,

    .. math:: -w\, E_z \log p(G(z)), \qquad \log p(G(z)) = \log p(z)
        - \tfrac12 \log\det(J^\top J + r I),

    with :math:`w` = `likelihood_weight`, :math:`r` = `ridge`, and the Jacobian
    :math:`J` of the generator, and any penalty on :math:`J`. With
    :math:`w > 0` its samples become likelier, that is, its entropy
    :math:`h(z) + \tfrac12 E \log\det J^\top J` smaller: the end of that is
    collapse, held off by the discriminator alone. With :math:`w < 0` the
    entropy grows.

    The Jacobian is taken in inference mode, since batch normalization would
    couple the examples of a batch, and at the first `spectral_batch` latents
    of the generator's step (on each replica), by as many forward products as
    there are latent dimensions.

    A generator that ends in a `BinaryNeuron`, or in a `StochasticNode`, is a
    step function, without a Jacobian: there it is that of the logits
    (`jacobian="auto"`). These do not saturate, and do not depend on the slope
    of the neuron, which a callback may change. `"probability"` takes the
    sigmoid of them, with the slope of the time: a density in the cube of
    probabilities, whose Jacobian vanishes for pixels that are sure. A sigmoid
    at the end of a generator of real values is part of its output.

    Args:
        generator: As for `BinaryGAN`, with no more latent dimensions than
            outputs.
        discriminator: As for `BinaryGAN`.
        likelihood_weight: Float :math:`w`, per nat. With 0, and no `penalty`,
            the likelihood is in the logs alone. Defaults to `0.01`.
        penalty: Function of a model and latents to a scalar, such as
            `keras_bp.losses.SpectralPenalty`, or None. Defaults to `None`.
        jacobian: String, what it is of: `"auto"`, `"output"`, `"logit"` or
            `"probability"`. Defaults to `"auto"`.
        spectral_batch: Positive integer, latents of the term. Defaults to `8`.
        spectral_every: Positive integer :math:`k`: the batches that it
            divides have the term, times :math:`k`. Defaults to `1`.
        ridge: Float :math:`r`, zero or greater. Defaults to `0.0`.
        **kwargs: Of `BinaryGAN`, such as `objective` and `seed`.

    `compile` is that of `BinaryGAN`. Beside its logs there are the means of
    `log_likelihood` and `log_det` in nats, `condition`, the geometric mean of
    :math:`\sigma_1 / \sigma_n`, unless a penalty takes the place of the
    likelihood; and `spectral_penalty`, if there is one. An epoch without a
    batch of theirs has NaN.

    Input shape:
        Latents, as of the generator. `fit` takes samples.

    Output shape:
        That of the generator.

    Raises:
        TypeError: A count is no integer, or `penalty` no function.
        ValueError: A name is unknown, a number is out of range, the generator
            has more latent dimensions than outputs, or no end of this kind.
        RuntimeError: When trained: the backend is not TensorFlow.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.training import SpectralGAN
    >>> generator = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(6, activation="sigmoid")]
    ... )
    >>> discriminator = keras.Sequential(
    ...     [keras.Input((6,)), keras.layers.Dense(1)]
    ... )
    >>> gan = SpectralGAN(generator, discriminator, 0.1, critic_schedule=2)
    >>> gan.compile()
    >>> history = gan.fit(np.ones((8, 6), "float32"), verbose=0)
    >>> "log_likelihood" in history.history
    True

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499.
    """

    log_names = (*BinaryGAN.log_names, *SPECTRAL_LOGS)

    def __init__(
        self,
        generator,
        discriminator,
        likelihood_weight=0.01,
        penalty=None,
        jacobian="auto",
        spectral_batch=8,
        spectral_every=1,
        ridge=0.0,
        **kwargs,
    ):
        super().__init__(generator, discriminator, **kwargs)
        owner = type(self).__name__
        _checks.check_number(
            "likelihood_weight", likelihood_weight, owner=owner
        )
        _checks.check_one_of("jacobian", jacobian, JACOBIANS, owner=owner)
        for name, value in (
            ("spectral_batch", spectral_batch),
            ("spectral_every", spectral_every),
        ):
            _checks.check_integer(name, value, owner=owner, minimum=1)
        _checks.check_not_negative("ridge", ridge, owner=owner)
        if penalty is not None and not callable(penalty):
            raise TypeError(
                f"{owner} expects `penalty` to be a function of a model and "
                "latents, such as keras_bp.losses.SpectralPenalty, or None. "
                f"Received: penalty={penalty!r}"
            )
        self.likelihood_weight = float(likelihood_weight)
        self.penalty = penalty
        # Tracked, and so saved, here: a penalty is no layer.
        self._penalty_noise = getattr(penalty, "seed_generator", None)
        self.jacobian = jacobian
        self.spectral_batch = int(spectral_batch)
        self.spectral_every = int(spectral_every)
        self.ridge = float(ridge)
        model = jacobian_model(generator, jacobian)
        _check_dimensions(model, owner)
        self._term = SpectralTerm(self, model)

    def compile(
        self, generator_optimizer=None, discriminator_optimizer=None, **kwargs
    ):
        # A schedule that is not constant needs a loop, see `unrolls_steps`.
        automatic = kwargs.get("jit_compile", "auto") == "auto"
        if automatic and self.critic_schedule.constant is None:
            kwargs["jit_compile"] = False
        super().compile(generator_optimizer, discriminator_optimizer, **kwargs)

    def jacobian_model(self):
        """The model, of the generator's weights, whose Jacobian is taken.

        Returns:
            `keras.Model`.
        """
        return self._term.model

    def generator_term(self, latents):
        z = latents[: self.spectral_batch]
        if self.spectral_every == 1:
            return self._term(z)
        return self._now_and_then(z)

    def unrolls_steps(self):
        # Compiled by XLA, the derivative of a Jacobian reads what a loop has
        # changed as it was before the loop, in TensorFlow 2.21.
        if not self.jit_compile:
            return False
        if self.critic_schedule.constant is None:
            raise ValueError(
                f"{type(self).__name__} expects a constant `critic_schedule` "
                "under XLA, where its steps are unrolled: give an integer, or "
                "jit_compile=False to `compile`. "
                f"Received: {self.critic_schedule.get_config()}"
            )
        return True

    def test_step(self, data):
        logs = super().test_step(data)
        found = self._term.measured(self.latents(self.spectral_batch))
        return {**logs, **self._logs(found, self.spectral_batch)}

    def _now_and_then(self, z):
        """The term, if its turn has come.

        Its gradient is taken inside of the condition, which XLA cannot
        differentiate, and put back by a product with the weights.
        """
        import tensorflow as tf

        names = self._term.names()
        weights = [x.value for x in self.generator.trainable_variables]

        def found():
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(weights)
                term, logs = self._term(z)
            slopes = tape.gradient(term, weights)
            slopes = [
                tf.zeros_like(w) if g is None else tf.convert_to_tensor(g)
                for g, w in zip(slopes, weights, strict=True)
            ]
            return term, [logs[x] for x in names], slopes

        def nothing():
            values = [ops.full((), math.nan, "float32") for _ in names]
            zeros = [tf.zeros_like(w) for w in weights]
            return ops.zeros((), "float32"), values, zeros

        due = ops.equal(self.batches.value % self.spectral_every, 0)
        term, values, slopes = tf.nest.map_structure(
            ops.stop_gradient, tf.cond(due, found, nothing)
        )
        for slope, weight in zip(slopes, weights, strict=True):
            moves = weight - ops.stop_gradient(weight)
            term = term + ops.cast(ops.sum(slope * moves), "float32")
        return self.spectral_every * term, dict(zip(names, values, strict=True))

    def _logs(self, values, number):
        """Logs in which NaN stands for a batch without the term."""
        shown = {}
        for name, value in values.items():
            mean = self._means[name]
            if name in SPECTRAL_LOGS:
                known = ops.logical_not(ops.isnan(value))
                value = ops.where(known, value, ops.zeros_like(value))
                mean.update_state(value, ops.cast(known, value.dtype))
                none = ops.equal(ops.convert_to_tensor(mean.count), 0)
                shown[name] = ops.where(none, math.nan, mean.result())
            else:
                shown.update(super()._logs({name: value}, number))
        return shown

    def get_config(self):
        return {
            **super().get_config(),
            "likelihood_weight": self.likelihood_weight,
            "penalty": keras.saving.serialize_keras_object(self.penalty),
            "jacobian": self.jacobian,
            "spectral_batch": self.spectral_batch,
            "spectral_every": self.spectral_every,
            "ridge": self.ridge,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        penalty = keras.saving.deserialize_keras_object(
            config["penalty"], custom_objects=custom_objects
        )
        config = {**config, "penalty": penalty}
        return super().from_config(config, custom_objects)


def _check_dimensions(model, owner):
    made = model.output_shape[1:]
    latents, outputs = math.prod(model.input_shape[1:]), None
    if None not in made:
        outputs = math.prod(made)
    if outputs is not None and latents > outputs:
        raise ValueError(
            f"{owner} expects a generator with no more latent dimensions than "
            "outputs: else J^T J is singular. "
            f"Received: {latents} latent dimensions and {outputs} outputs"
        )
