"""Taps that are held at a value while the others train."""

import keras
import numpy as np
from keras import ops

from keras_bp._registration import serializable


@serializable
class TapHold(keras.layers.Layer):
    """Puts fixed values in the place of some taps.

    What is held is saved with the model. A value of zero prunes a tap. While
    `round_free` is 0, only held taps are rounded, and the others train as
    real numbers.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # Taps keep their dtype: a cast to half precision would lose bits.
        self.autocast = False

    def build(self, shape):
        settings = {"trainable": False, "autocast": False}
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        self.mask = self.add_weight(
            name="held",
            shape=shape,
            initializer="zeros",
            dtype=dtype,
            **settings,
        )
        self.value = self.add_weight(
            name="held_value",
            shape=shape,
            initializer="zeros",
            dtype=dtype,
            **settings,
        )
        self.round_free = self.add_weight(
            name="round_free",
            shape=(),
            initializer="ones",
            dtype=dtype,
            **settings,
        )

    def call(self, taps):
        """Taps with the held ones in their places."""
        return ops.where(self.mask > 0.5, self.value, taps)

    def choose(self, taps, rounded):
        """The rounded taps where they are to be rounded, else the others."""
        use = ops.logical_or(self.mask > 0.5, self.round_free > 0.5)
        return ops.where(use, rounded, taps)

    def hold(self, mask, value):
        """Holds the taps where `mask` is true, in place of those held so far.

        Args:
            mask: Boolean array of the shape of the stored taps.
            value: Float array of that shape.
        """
        mask = np.broadcast_to(np.asarray(mask, bool), self.mask.shape)
        value = np.where(mask, value, 0.0)
        self.mask.assign(mask.astype(self.mask.dtype))
        self.value.assign(value.astype(self.value.dtype))

    @property
    def held(self):
        """Boolean array, true where a tap is held."""
        return ops.convert_to_numpy(self.mask) > 0.5

    @property
    def rounds_all(self):
        """Boolean, whether taps that are not held are rounded too."""
        return bool(ops.convert_to_numpy(self.round_free) > 0.5)
