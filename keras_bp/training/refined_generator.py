"""The refiner of BinaryMuseGAN."""

import keras

from keras_bp import _checks
from keras_bp.surgery.change_output import change_output
from keras_bp.training._gan_layers import (
    NEURONS,
    Initializers,
    activated,
    binary_end,
)

# Each unit is a layer of its own, made one after another.
_MOST_UNITS = 1000


def residual_refiner(
    sample_shape, neuron="dbn", units=2, filters=64, kernel_size=3, seed=None
):
    """Makes a network that binarizes logits, looking at their neighbors.

    To the logits each residual unit adds batch normalization, ReLU and a
    convolution, twice; binary neurons follow. Untrained it changes nothing:
    its neurons take the logits as they come.

    Args:
        sample_shape: Tuple of integers, `(height, width, channels)`.
        neuron: String, `"dbn"` or `"sbn"`. Defaults to `"dbn"`.
        units: Positive integer, residual units. Defaults to `2`.
        filters: Positive integer, of the first convolution of each.
            Defaults to `64`.
        kernel_size: Positive integer. Defaults to `3`.
        seed: Integer or None. Defaults to `None`.

    Returns:
        `keras.Model` from logits to bits.

    Raises:
        TypeError: A number is no integer.
        ValueError: A name is unknown, a number is less than 1, or the shape
            has not three axes.

    Example:

    >>> from keras_bp.training import residual_refiner
    >>> residual_refiner((28, 28, 1)).output_shape
    (None, 28, 28, 1)

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1804.09399, section 3.3.
    """
    owner = "residual_refiner"
    shape = tuple(sample_shape)
    _checks.check_one_of("neuron", neuron, NEURONS[:2], owner=owner)
    for name, value in (
        ("units", units),
        ("filters", filters),
        ("kernel_size", kernel_size),
    ):
        most = _MOST_UNITS if name == "units" else 2**31 - 1
        _checks.check_integer(name, value, owner=owner, minimum=1, maximum=most)
    _checks.check_rank(
        shape, 3, 3, owner=owner, expects="(height, width, channels)"
    )
    weights = Initializers(seed)
    logits = x = keras.Input(shape)
    for _ in range(units):
        inner = activated(x)
        inner = keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            data_format="channels_last",
            kernel_initializer=weights.initializer(),
        )(inner)
        inner = keras.layers.Conv2D(
            shape[-1],
            kernel_size,
            padding="same",
            data_format="channels_last",
            # So that the unit begins as the identity.
            kernel_initializer="zeros",
        )(activated(inner))
        x = keras.layers.Add()([x, inner])
    bits = binary_end(neuron, "sigmoid_adjusted", seed)(x)
    return keras.Model(logits, bits, name="refiner")


def refined_generator(generator, refiner, joint=False):
    """Puts a refiner behind a generator that was trained before.

    In two stages the generator stays as it is and the refiner learns; jointly
    both do. Train the model that is returned by another `BinaryGAN`, with the
    discriminator that the generator was trained with. It holds a copy of the
    generator, which keeps its own weights.

    What is refined are the logits times the slope that the generator's neuron
    has now, so that a new refiner makes bits with the generator's own
    probabilities.

    Args:
        generator: Model as `keras_bp.surgery.change_output` takes it.
        refiner: Model from these logits to bits, as `residual_refiner` makes
            it.
        joint: Boolean, whether the generator is trained on.
            Defaults to `False`.

    Returns:
        `keras.Model` from latents to bits.

    Raises:
        TypeError, ValueError: As in `change_output`.

    Example:

    >>> from keras_bp.training import (
    ...     binary_gan_networks,
    ...     refined_generator,
    ...     residual_refiner,
    ... )
    >>> generator, discriminator = binary_gan_networks("mlp", "real")
    >>> refined = refined_generator(generator, residual_refiner((28, 28, 1)))
    >>> refined.output_shape
    (None, 28, 28, 1)

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1804.09399, section 3.4.
    """
    # By way of the probabilities, for the slope.
    logits = change_output(change_output(generator, "probability"), "logit")
    copy = keras.models.clone_model(logits)
    copy.set_weights(logits.get_weights())
    if not joint:
        copy.trainable = False
    return keras.Model(
        copy.inputs[0], refiner(copy.outputs[0]), name="refined_generator"
    )
