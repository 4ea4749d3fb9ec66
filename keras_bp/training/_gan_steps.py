"""The steps of `BinaryGAN`."""

from keras import ops

from keras_bp import _random
from keras_bp.spectral._substitutes import second_derivatives
from keras_bp.training._gan_checks import check_judge
from keras_bp.training._gan_objectives import (
    JudgedNodes,
    gradient_norms,
    holds_cost_nodes,
    widened,
)
from keras_bp.training._replicas import optimizers_meet, replicas


class Steps:
    """Trains the networks of a `BinaryGAN`.

    No Keras object, so that the model is not its own part.

    Args:
        gan: `BinaryGAN`.
        objective: `GANObjective`.
    """

    def __init__(self, gan, objective):
        self._gan, self._objective = gan, objective
        # Of all losses.
        self._dtype = widened(gan.discriminator.outputs[0].dtype)
        self._judged = None
        if holds_cost_nodes(gan.generator):
            check_judge(gan.discriminator, type(gan).__name__)
            self._judged = JudgedNodes(
                gan.generator, gan.discriminator, objective
            )

    def train(self, x):
        """Trains on a batch; returns a dictionary of scalars."""
        gan = self._gan
        size = ops.shape(x)[0]
        shared = None if gan.fresh_latents else gan.latents(size)

        def latents():
            return gan.latents(size) if shared is None else shared

        zero = ops.zeros((), self._dtype)

        def critic_step(step, loss, norm):
            more = self._critic_step(x, latents())
            return step + 1, loss + more[0], norm + more[1]

        steps, loss, norm = self._repeat(critic_step, (0, zero, zero))
        steps = ops.cast(steps, self._dtype)
        generator_loss, more = self._generator_step(latents())
        found = {
            "generator_loss": generator_loss,
            "discriminator_loss": loss / steps,
            "critic_steps": steps,
            **more,
        }
        gan.batches.assign_add(1)
        if gan.objective == "wgan-gp":
            found["gradient_norm"] = norm / steps
        return found

    def test(self, x):
        """The losses of a batch, in inference mode."""
        gan = self._gan
        fake = gan.generator(gan.latents(ops.shape(x)[0]), training=False)
        real, fake = (
            ops.cast(gan.discriminator(part, training=False), self._dtype)
            for part in (ops.cast(x, fake.dtype), fake)
        )
        return {
            "generator_loss": ops.mean(self._objective.generator(fake)),
            "discriminator_loss": self._objective.discriminator(real, fake),
        }

    def _repeat(self, critic_step, state):
        import tensorflow as tf

        schedule = self._gan.critic_schedule
        if schedule.constant is None and optimizers_meet():
            raise ValueError(
                f"{type(self._gan).__name__} expects a constant "
                "`critic_schedule` under a tf.distribute strategy, whose "
                "replicas cannot meet inside a loop: give an integer. "
                f"Received: {schedule.get_config()}"
            )
        if optimizers_meet() or self._gan.unrolls_steps():
            for _ in range(schedule.constant):
                state = critic_step(*state)
            return state
        steps = schedule(self._gan.batches.value)
        return tf.while_loop(lambda step, *_: step < steps, critic_step, state)

    def _critic_step(self, x, latents):
        """One step of the discriminator; returns its loss and the norm."""
        import tensorflow as tf

        gan = self._gan
        fake = ops.stop_gradient(self._make(latents))
        x = ops.cast(x, fake.dtype)
        with tf.GradientTape() as tape:
            # In two passes, for the statistics of each.
            real_logits = self._judge(x)
            penalties = self._penalties(gan.discriminator)
            fake_logits = self._judge(fake)
            # Activities are penalized in both passes, weights once.
            penalties = (penalties + self._penalties(gan.discriminator)) / 2
            loss = self._objective.discriminator(real_logits, fake_logits)
            norm = ops.zeros((), self._dtype)
            if gan.objective == "wgan-gp":
                between = self._between(x, fake)
                with second_derivatives(gan.discriminator):
                    norms = gradient_norms(self._judge, between)
                norm = ops.cast(ops.mean(norms), self._dtype)
                penalty = ops.mean(ops.square(norms - 1.0))
                penalty = ops.cast(penalty, self._dtype)
                loss = loss + gan.gradient_penalty * penalty
            scaled = _scaled(gan.discriminator_optimizer, loss + penalties)
        weights = gan.discriminator.trainable_variables
        _apply(gan.discriminator_optimizer, tape, scaled, weights)
        if gan.objective == "wgan":
            for weight in weights:
                weight.assign(ops.clip(weight, -gan.clip, gan.clip))
        return loss, norm

    def _generator_step(self, latents):
        """One step of the generator; returns its loss and more logs."""
        import tensorflow as tf

        gan = self._gan
        weights = gan.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for weight in weights:
                tape.watch(weight.value)
            if self._judged is None:
                logits = self._judge(gan.generator(latents, training=True))
                loss = ops.mean(self._objective.generator(logits))
                total = loss + self._penalties(gan.generator)
            else:
                loss, total = self._judged(latents)
            term, logs = gan.generator_term(latents)
            if term is not None:
                total = total + ops.cast(term, total.dtype)
            scaled = _scaled(gan.optimizer, total)
        _apply(gan.optimizer, tape, scaled, weights)
        return loss, logs

    def _make(self, latents):
        if self._judged is not None:
            return self._judged.samples(latents)
        return self._gan.generator(latents, training=True)

    def _judge(self, samples):
        logits = self._gan.discriminator(samples, training=True)
        return ops.cast(logits, self._dtype)

    def _penalties(self, network):
        """What regularizers and `add_loss` of a network add up to."""
        return sum(ops.cast(x, self._dtype) for x in network.losses)

    def _between(self, real, fake):
        """Points between real and generated samples, one share for each."""
        shape = (ops.shape(real)[0], *(1,) * (len(real.shape) - 1))
        share = _random.uniform(shape, self._gan.seed_generator)
        share = ops.cast(share, real.dtype)
        return share * real + (1 - share) * fake


def _scaled(optimizer, loss):
    # An optimizer adds up the gradients of all replicas.
    return optimizer.scale_loss(loss / replicas())


def _apply(optimizer, tape, loss, weights):
    if not weights:
        return
    pairs = zip(tape.gradient(loss, weights), weights, strict=True)
    optimizer.apply_gradients(pairs)
