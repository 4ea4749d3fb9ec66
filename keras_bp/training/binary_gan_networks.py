"""The networks of Dong and Yang."""

import math

import keras

from keras_bp import _checks
from keras_bp.ops.binary_estimators import binary_estimators
from keras_bp.training._gan_layers import (
    BATCH_NORMS,
    NEURONS,
    BatchNorm,
    Initializers,
    binary_end,
)
from keras_bp.training._linear_gradients import (
    LinearLeakyReLU,
    LinearMaxPooling2D,
)

ARCHITECTURES = ("mlp", "cnn")

_LATENT = 128
# Filters, size and stride of the transposed convolutions; 1, 2, 6, 13, 28.
_TRANSPOSED = ((128, 2, 1), (64, 4, 2), (32, 3, 2), (1, 4, 2))


def binary_gan_networks(
    architecture="mlp",
    neuron="dbn",
    sample_shape=(28, 28, 1),
    estimator="sigmoid_adjusted",
    batch_norm="batch",
    discriminator_batch_norm=None,
    seed=None,
):
    """Makes the generator and the discriminator of Dong and Yang.

    `"mlp"`: a generator of 128-1024-784 units with 939,312 weights, and a
    discriminator of 784-512-256-1 with 533,505. `"cnn"`: four transposed
    convolutions with 216,227, and two convolutions with pooling and two dense
    layers with 313,985. These are the weights that are trained: together
    1,472,817 and 530,212, where `count_params` has the statistics of batch
    normalization and the slope of the neurons too, and gives 1,476,434 and
    530,663. (The paper gives 0.53 million for the first pair and 1.4 million
    for the second, which is the wrong way round.) All weights begin as
    truncated normal numbers of deviation 0.02.

    Args:
        architecture: String, `"mlp"` or `"cnn"`. Defaults to `"mlp"`.
        neuron: String, the end of the generator: `"dbn"` for deterministic
            binary neurons, `"sbn"` for stochastic ones, `"real"` for a
            sigmoid, which `keras_bp.surgery.change_output` binarizes after
            training. Defaults to `"dbn"`.
        sample_shape: Tuple of integers, of a sample; `"cnn"` makes images of
            28x28 pixels alone. Defaults to `(28, 28, 1)`.
        estimator: String, as in `keras_bp.layers.BinaryNeuron`.
            Defaults to `"sigmoid_adjusted"`.
        batch_norm: String, of the generator: `"batch"`, or `"inert"` for the
            published code, where it never left inference mode and so only
            scales and shifts. Defaults to `"batch"`.
        discriminator_batch_norm: String, the same of the discriminator, or
            None for none; the paper has it for the objective `"gan"` alone.
            One that normalizes takes the statistics of real and of generated
            samples apart, and cannot tell batches that differ by a positive
            factor or an offset.
            Defaults to `None`.
        seed: Integer or None, of the first weights and of the neurons.
            Defaults to `None`.

    Returns:
        Pair of `keras.Model`: from latents `(batch, 128)` to samples, and from
        samples to logits `(batch, 1)`.

    Raises:
        ValueError: A name is unknown, or the shape is not of `"cnn"`.

    Example:

    >>> from keras_bp.training import binary_gan_networks
    >>> generator, discriminator = binary_gan_networks("mlp", "sbn")
    >>> discriminator.count_params()
    533505

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, section 4.1.
    """
    owner = "binary_gan_networks"
    sample_shape = tuple(sample_shape)
    for name, value, known in (
        ("architecture", architecture, ARCHITECTURES),
        ("neuron", neuron, NEURONS),
        # Of a real end too, which has no use for it.
        ("estimator", estimator, binary_estimators()),
        ("batch_norm", batch_norm, BATCH_NORMS),
    ):
        _checks.check_one_of(name, value, known, owner=owner)
    if discriminator_batch_norm is not None:
        _checks.check_one_of(
            "discriminator_batch_norm",
            discriminator_batch_norm,
            BATCH_NORMS,
            owner=owner,
        )
    if architecture == "cnn" and sample_shape != (28, 28, 1):
        raise ValueError(
            f"{owner} expects `sample_shape` to be (28, 28, 1) for 'cnn'. "
            f"Received: sample_shape={sample_shape}"
        )
    weights = Initializers(seed)
    norm = BatchNorm(batch_norm)
    judge_norm = BatchNorm(discriminator_batch_norm)
    latents = keras.Input((_LATENT,))
    samples = keras.Input(sample_shape)
    if architecture == "mlp":
        logits = _dense_logits(latents, sample_shape, weights, norm)
        judged = _judge_dense(samples, weights, judge_norm)
    else:
        logits = _transposed_logits(latents, weights, norm)
        judged = _judge_convolved(samples, weights, judge_norm)
    end = binary_end(neuron, estimator, seed)
    return (
        keras.Model(latents, end(logits), name="generator"),
        keras.Model(samples, judged, name="discriminator"),
    )


def _leaky(x):
    return LinearLeakyReLU(negative_slope=0.2)(x)


def _dense_logits(x, sample_shape, weights, norm):
    def dense(x, units):
        layer = keras.layers.Dense(
            units, kernel_initializer=weights.initializer()
        )
        return norm(layer(x))

    hidden = keras.layers.ReLU()(dense(x, 1024))
    logits = dense(hidden, math.prod(sample_shape))
    return keras.layers.Reshape(sample_shape)(logits)


def _transposed_logits(x, weights, norm):
    x = keras.layers.Reshape((1, 1, _LATENT))(x)
    for filters, size, stride in _TRANSPOSED:
        x = keras.layers.Conv2DTranspose(
            filters,
            size,
            stride,
            data_format="channels_last",
            kernel_initializer=weights.initializer(),
        )(x)
        x = norm(x)
        if filters > 1:
            x = keras.layers.ReLU()(x)
    return x


def _judge_dense(x, weights, norm):
    x = keras.layers.Flatten()(x)
    for units in (512, 256):
        x = keras.layers.Dense(units, kernel_initializer=weights.initializer())(
            x
        )
        x = _leaky(norm(x))
    return keras.layers.Dense(1, kernel_initializer=weights.initializer())(x)


def _judge_convolved(x, weights, norm):
    for filters in (32, 64):
        x = keras.layers.Conv2D(
            filters,
            3,
            data_format="channels_last",
            kernel_initializer=weights.initializer(),
        )(x)
        # The same before the activation, which is monotonic, as after it.
        x = LinearMaxPooling2D(2, padding="same", data_format="channels_last")(
            norm(x)
        )
        x = _leaky(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(128, kernel_initializer=weights.initializer())(x)
    x = _leaky(norm(x))
    return keras.layers.Dense(1, kernel_initializer=weights.initializer())(x)
