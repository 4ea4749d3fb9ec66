"""The networks in which `benchmarks.layers` times a layer.

The two generator and critic pairs of Dong and Yang (1810.04714, section 4),
with the WGAN-GP objective, batch 64; one step is a critic update and a
generator update. And an equalizer of one filter.
"""

import keras
import tensorflow as tf
from keras import layers

_BATCH, _LATENT = 64, 128


def mlp_gan_step(place, factory, jit_compile):
    """A train step of the MLP pair, with the layer of `factory` at `place`.

    Args:
        place: String, `"output"`: after the generator; `"rectifier"`: in the
            generator; `"mask"`: after the first hidden layer of the critic.
        factory: Function that makes the layer.
        jit_compile: Boolean, whether XLA compiles the step.

    Returns:
        Function that runs one step.
    """
    generator, critic = mlp_pair(place, factory)
    return _gan_step(generator, critic, (_BATCH, 784), jit_compile)


def mlp_pair(place, factory):
    """The generator and the critic of `mlp_gan_step`."""
    at = _places(place, factory)
    generator = keras.Sequential(
        [
            keras.Input((_LATENT,)),
            layers.Dense(1024),
            layers.BatchNormalization(),
            at["rectifier"](),
            layers.Dense(784),
            layers.BatchNormalization(),
            at["output"](),
        ]
    )
    critic = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512),
            layers.LeakyReLU(0.2),
            at["mask"](),
            layers.Dense(256),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ]
    )
    return generator, critic


def cnn_gan_step(place, factory, jit_compile):
    """A train step of the CNN pair; arguments as for `mlp_gan_step`."""
    generator, critic = cnn_pair(place, factory)
    return _gan_step(generator, critic, (_BATCH, 28, 28, 1), jit_compile)


def cnn_pair(place, factory):
    """The generator and the critic of `cnn_gan_step`."""
    at = _places(place, factory)
    convolutions = []
    for filters, size, strides in ((128, 2, 1), (64, 4, 2), (32, 3, 2)):
        convolutions += [
            layers.Conv2DTranspose(filters, size, strides),
            layers.BatchNormalization(),
            at["rectifier"](),
        ]
    generator = keras.Sequential(
        [
            keras.Input((_LATENT,)),
            layers.Reshape((1, 1, _LATENT)),
            *convolutions,
            layers.Conv2DTranspose(1, 4, 2),
            layers.BatchNormalization(),
            at["output"](),
        ]
    )
    critic = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3),
            layers.LeakyReLU(0.2),
            at["mask"](),
            layers.MaxPooling2D(2, padding="same"),
            layers.Conv2D(64, 3),
            layers.LeakyReLU(0.2),
            layers.MaxPooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dense(128),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ]
    )
    return generator, critic


def equalizer_step(factory, jit_compile):
    """A train step of one filter on 16 blocks of 1,024 samples."""
    filter_layer = factory()
    model = keras.Sequential([keras.Input((1024, 2)), filter_layer])
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    x = tf.random.stateless_normal((16, 1024, 2), [1, 2])
    y = tf.random.stateless_normal((16, *model.output_shape[1:]), [3, 4])

    @tf.function(jit_compile=jit_compile)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        found = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(found, model.trainable_variables)
        return loss

    return lambda: step(x, y).numpy()


def _places(place, factory):
    plain = {
        "output": lambda: layers.Activation("sigmoid"),
        "rectifier": layers.ReLU,
        "mask": layers.Identity,
    }
    return {**plain, place: factory}


def _gan_step(generator, critic, shape, jit_compile):
    optimizers = [
        keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9) for _ in range(2)
    ]
    for optimizer, model in zip(optimizers, (critic, generator), strict=True):
        optimizer.build(model.trainable_variables)
    real = tf.round(tf.random.stateless_uniform(shape, [1, 2]))
    z = tf.random.stateless_normal((_BATCH, _LATENT), [3, 4])
    mix = tf.random.stateless_uniform([_BATCH] + [1] * (len(shape) - 1), [5, 6])

    def update(model, optimizer, loss):
        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, model.trainable_variables)
        optimizer.apply(found, model.trainable_variables)
        return value

    @tf.function(jit_compile=jit_compile)
    def step(real, z, mix):
        def critic_loss():
            fake = tf.stop_gradient(generator(z, training=True))
            between = mix * real + (1 - mix) * fake
            with tf.GradientTape() as tape:
                tape.watch(between)
                score = critic(between, training=True)
            slope = tape.gradient(score, between)
            axes = list(range(1, len(shape)))
            norm = tf.sqrt(1e-8 + tf.reduce_sum(slope**2, axes))
            return (
                tf.reduce_mean(critic(fake, training=True))
                - tf.reduce_mean(critic(real, training=True))
                + 10 * tf.reduce_mean((norm - 1) ** 2)
            )

        def generator_loss():
            return -tf.reduce_mean(
                critic(generator(z, training=True), training=True)
            )

        return update(critic, optimizers[0], critic_loss) + update(
            generator, optimizers[1], generator_loss
        )

    return lambda: step(real, z, mix).numpy()
