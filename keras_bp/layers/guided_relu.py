"""The rectifier layer with a chosen backward rule."""

import keras

from keras_bp._registration import serializable
from keras_bp.ops.guided_relu import check_rectifier, guided_relu


@serializable
class GuidedReLU(keras.layers.Layer):
    r"""A ReLU whose backward rule is guided, DeconvNet's, or the true one.

    Build a network with it, or swap it in with
    `keras_bp.surgery.swap_activations`, then take the gradient of a logit
    with respect to the image: the map is guided backpropagation, the
    DeconvNet's, or the saliency. The forward pass is that of
    `keras.layers.ReLU`. Backward, for the incoming gradient :math:`R` and the
    gate :math:`g`: guided :math:`g \max(R, 0)`, deconvnet
    :math:`\max(R, 0)`, vanilla :math:`g R`. Not for training.

    Args:
        rule: String, `"guided"`, `"deconvnet"`, or `"vanilla"`.
            Defaults to `"guided"`.
        max_value: Float above `threshold`, or None for no upper bound.
        negative_slope: Float, zero or greater. Defaults to `0.0`.
        threshold: Float, in the units of the input. Defaults to `0.0`.

    Call arguments:
        x: Float tensor of any shape.

    Input shape:
        Any.

    Output shape:
        That of the input.

    Raises:
        ValueError: The rule is unknown, or a number is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import GuidedReLU
    >>> np.asarray(GuidedReLU(max_value=6.0)(np.array([-1.0, 2.0, 8.0])))
    array([0., 2., 6.], dtype=float32)

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039.
    """

    def __init__(
        self,
        rule="guided",
        max_value=None,
        negative_slope=0.0,
        threshold=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_rectifier(
            rule,
            max_value,
            negative_slope,
            threshold,
            owner=type(self).__name__,
        )
        self.rule = rule
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope = float(negative_slope)
        self.threshold = float(threshold)
        self.supports_masking = True
        self.built = True

    def call(self, x):
        return guided_relu(
            x,
            rule=self.rule,
            max_value=self.max_value,
            negative_slope=self.negative_slope,
            threshold=self.threshold,
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rule": self.rule,
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
