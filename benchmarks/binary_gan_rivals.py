"""What a user would write in place of `BinaryGAN`: two WGAN-GPs by hand.

Both with the losses, the penalty, and the order of steps of the `"wgan-gp"`
objective, so that only the way to run them differs.
"""

import keras
import tensorflow as tf


def adam():
    """The optimizer of Dong and Yang."""
    return keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9, epsilon=1e-8)


def gradient_penalty(discriminator, between):
    """Squared distance from one of the gradient's norm at each example.

    Args:
        discriminator: Model.
        between: Tensor `(batch, height, width, channels)`.

    Returns:
        Scalar tensor, the mean.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(between)
        logits = discriminator(between, training=True)
    slope = tape.gradient(logits, between)
    norm = tf.sqrt(1e-8 + tf.reduce_sum(tf.square(slope), [1, 2, 3]))
    return tf.reduce_mean(tf.square(norm - 1))


def _between(real, fake):
    share = tf.random.uniform([tf.shape(real)[0], 1, 1, 1])
    return share * real + (1 - share) * fake


def hand_written(generator, discriminator, critic_steps, jit_compile):
    """A loop of plain TensorFlow in one `tf.function`.

    Args:
        generator: Model.
        discriminator: Model.
        critic_steps: Integer, steps of the discriminator in a batch.
        jit_compile: Boolean, whether XLA compiles it.

    Returns:
        Function of a batch that trains on it and returns the two losses.
    """
    optimizers = [adam(), adam()]
    for optimizer, network in zip(
        optimizers, (generator, discriminator), strict=True
    ):
        optimizer.build(network.trainable_variables)

    def latents(real):
        return tf.random.normal([tf.shape(real)[0], generator.input_shape[-1]])

    def critic_step(real):
        fake = generator(latents(real), training=True)
        with tf.GradientTape() as tape:
            loss = (
                tf.reduce_mean(discriminator(fake, training=True))
                - tf.reduce_mean(discriminator(real, training=True))
                + 10 * gradient_penalty(discriminator, _between(real, fake))
            )
        weights = discriminator.trainable_variables
        optimizers[1].apply(tape.gradient(loss, weights), weights)
        return loss

    @tf.function(jit_compile=jit_compile, reduce_retracing=True)
    def step(real):
        for _ in range(critic_steps):
            loss = critic_step(real)
        with tf.GradientTape() as tape:
            fake = generator(latents(real), training=True)
            cost = -tf.reduce_mean(discriminator(fake, training=True))
        weights = generator.trainable_variables
        optimizers[0].apply(tape.gradient(cost, weights), weights)
        return loss, cost

    return step


class KerasWGAN(keras.Model):
    """A model with a train step of its own, as tutorials for Keras write it.

    Args:
        generator: Model.
        discriminator: Model.
        critic_steps: Integer, steps of the discriminator in a batch.
    """

    def __init__(self, generator, discriminator, critic_steps):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.critic_steps = critic_steps
        self.optimizers = [adam(), adam()]
        self.losses_seen = [
            keras.metrics.Mean(name="d_loss"),
            keras.metrics.Mean(name="g_loss"),
        ]

    def _latents(self, real):
        return tf.random.normal(
            [tf.shape(real)[0], self.generator.input_shape[-1]]
        )

    def train_step(self, real):
        for _ in range(self.critic_steps):
            latents = self._latents(real)
            with tf.GradientTape() as tape:
                fake = self.generator(latents, training=True)
                fake_logits = self.discriminator(fake, training=True)
                real_logits = self.discriminator(real, training=True)
                d_loss = tf.reduce_mean(fake_logits) - tf.reduce_mean(
                    real_logits
                )
                d_loss += 10 * gradient_penalty(
                    self.discriminator, _between(real, fake)
                )
            self._update(1, tape, d_loss, self.discriminator)
        latents = self._latents(real)
        with tf.GradientTape() as tape:
            fake = self.generator(latents, training=True)
            g_loss = -tf.reduce_mean(self.discriminator(fake, training=True))
        self._update(0, tape, g_loss, self.generator)
        for metric, loss in zip(
            self.losses_seen, (d_loss, g_loss), strict=True
        ):
            metric.update_state(loss)
        return {metric.name: metric.result() for metric in self.losses_seen}

    def _update(self, index, tape, loss, network):
        weights = network.trainable_variables
        gradients = tape.gradient(loss, weights)
        self.optimizers[index].apply_gradients(
            zip(gradients, weights, strict=True)
        )
