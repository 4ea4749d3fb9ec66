"""Layers whose gradient is linear, and known to be so.

The gradient of a piecewise linear function does not change with its input, but
where the slope does. TensorFlow's gradients of these gradients return zeros for
the input all the same, and a gradient penalty propagates them through all that
is below (`benchmarks.binary_gan` says how long that takes). Other backends do
not, and get the layers of Keras.
"""

import keras

from keras_bp._registration import serializable


@serializable
class LinearLeakyReLU(keras.layers.LeakyReLU):
    """The activation of Keras, with no gradient of the gradient for `x`."""

    def call(self, x):
        if keras.backend.backend() != "tensorflow":
            return super().call(x)
        import tensorflow as tf

        @tf.custom_gradient
        def activate(x):
            def grad(upstream):
                return tf.raw_ops.LeakyReluGrad(
                    gradients=upstream,
                    features=tf.stop_gradient(x),
                    alpha=self.negative_slope,
                )

            return tf.nn.leaky_relu(x, self.negative_slope), grad

        return activate(x)


@serializable
class LinearMaxPooling2D(keras.layers.MaxPooling2D):
    """The pooling of Keras, with no gradient of the gradient for `x`.

    For channels last. The place of a maximum does not move.
    """

    def __init__(
        self,
        pool_size=(2, 2),
        strides=None,
        padding="valid",
        data_format=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                f"{type(self).__name__} expects `data_format` to be "
                f"'channels_last'. Received: {self.data_format!r}"
            )

    def call(self, x):
        if keras.backend.backend() != "tensorflow":
            return super().call(x)
        import tensorflow as tf

        how = {
            "ksize": [1, *self.pool_size, 1],
            "strides": [1, *self.strides, 1],
            "padding": self.padding.upper(),
        }

        @tf.custom_gradient
        def pool(x):
            y = tf.raw_ops.MaxPool(input=x, **how)

            def grad(upstream):
                return tf.raw_ops.MaxPoolGrad(
                    orig_input=tf.stop_gradient(x),
                    orig_output=tf.stop_gradient(y),
                    grad=upstream,
                    **how,
                )

            return y, grad

        return pool(x)
