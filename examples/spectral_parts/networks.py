"""Small generators and discriminators."""

import math

import keras
import tensorflow as tf

from examples.spectral_parts.config import ARMS
from keras_bp.layers import BinaryNeuron
from keras_bp.surgery import change_output
from keras_bp.training import BinaryGAN, SpectralGAN

_CRITIC_STEPS = 3
_SPECTRAL_BATCH, _SPECTRAL_EVERY = 8, 4


def make(study, run, shape):
    """The untrained, compiled GAN of a `Run`, for images of a shape."""
    seeds = iter(range(100 * run.seed, 100 * run.seed + 100))

    def dense(units, activation=None):
        return keras.layers.Dense(
            units,
            activation,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        )

    layers = keras.layers
    end = BinaryNeuron() if study.neuron == "dbn" else None
    generator = keras.Sequential(
        [
            keras.Input((study.latents,)),
            dense(study.width, "leaky_relu"),
            dense(2 * study.width, "leaky_relu"),
            dense(math.prod(shape)),
            layers.Reshape(shape),
            end or layers.Activation("sigmoid"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(shape),
            layers.Flatten(),
            dense(2 * study.width, "leaky_relu"),
            dense(study.width, "leaky_relu"),
            dense(1),
        ]
    )
    arm = ARMS[run.arm]
    arguments = {"critic_schedule": _CRITIC_STEPS, "seed": run.seed}
    if arm.is_plain:
        gan = BinaryGAN(generator, discriminator, **arguments)
    else:
        gan = SpectralGAN(
            generator,
            discriminator,
            arm.likelihood_weight,
            arm.made_penalty(),
            spectral_batch=_SPECTRAL_BATCH,
            spectral_every=_SPECTRAL_EVERY,
            **arguments,
        )
    gan.compile(
        keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9),
        keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9),
    )
    return gan


class Views:
    """A generator as each measure needs it.

    Args:
        generator: `keras.Model`.

    Attributes:
        metric: Model whose Jacobian is taken: the generator, or for bits that
            of the logits.
        smooth: Model that images can be inverted through: the generator, or
            the probabilities of bits.
        shown: The generator.
    """

    def __init__(self, generator):
        self.shown = self.metric = self.smooth = generator
        if isinstance(generator.layers[-1], BinaryNeuron):
            self.metric = change_output(generator, "logit")
            self.smooth = change_output(generator, "probability")

    def images(self, latents):
        """What is shown of latents `(..., n)`, as an array."""
        flat = tf.reshape(tf.cast(latents, "float32"), (-1, latents.shape[-1]))
        made = self.shown(flat, training=False).numpy()
        return made.reshape(*latents.shape[:-1], *made.shape[1:])


def pipeline(images, batch, seed):
    """Images in a new order each epoch, without a tuning thread."""
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(images.astype("float32"))
    data = data.shuffle(len(images), seed=seed)
    return data.batch(batch, drop_remainder=True).with_options(options)
