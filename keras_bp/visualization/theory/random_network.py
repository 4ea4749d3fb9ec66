"""The random convolutional network of the theory."""

import keras

from keras_bp import _checks
from keras_bp.visualization.theory._patches import check_network


def random_network(
    input_shape,
    num_filters,
    kernel_size=3,
    *,
    strides=1,
    kernel_std=1.0,
    head_std=1.0,
    classes=2,
    seed=None,
):
    r"""A convolution, a rectifier, and a dense layer, with Gaussian weights.

    :math:`f_k(x) = \sum_{ij} V^k_{ij} \max(0, w_i \cdot P_j x)`, without
    biases and without padding: the network of the theorems on which maps of
    which rule recover the image.

    Args:
        input_shape: Tuple, `(height, width, channels)`.
        num_filters: Positive integer :math:`N`.
        kernel_size: Integer, or pair of them. Defaults to `3`.
        strides: Integer, or pair of them. Defaults to `1`.
        kernel_std: Positive float, standard deviation :math:`c_w` of filters.
            Defaults to `1`.
        head_std: Positive float, :math:`c_v`, of the dense layer.
            Defaults to `1`.
        classes: Positive integer. Defaults to `2`.
        seed: Integer or None. Defaults to `None`.

    Returns:
        `keras.Sequential`.

    Raises:
        ValueError: An argument is out of range.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039,
        section 3.
    """
    owner = "random_network"
    check_network(num_filters, strides, kernel_std, head_std, owner)
    _checks.check_integer("classes", classes, minimum=1, owner=owner)
    seeds = (None, None) if seed is None else (2 * seed, 2 * seed + 1)
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(
                num_filters,
                kernel_size,
                strides,
                activation="relu",
                use_bias=False,
                kernel_initializer=keras.initializers.RandomNormal(
                    0.0, kernel_std, seeds[0]
                ),
            ),
            keras.layers.Flatten(),
            keras.layers.Dense(
                classes,
                use_bias=False,
                kernel_initializer=keras.initializers.RandomNormal(
                    0.0, head_std, seeds[1]
                ),
            ),
        ]
    )
