"""Taps that are held at a value while the others train."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_bp._registration import serializable


@serializable
class TapHold(keras.layers.Layer):
    """Puts fixed values in the place of some taps.

    What is held is saved with the model. While `round_free` is 0, only held
    taps are rounded in training, and the others train as real numbers.
    Inference always rounds all of them.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # Taps keep their dtype: a cast to half precision would lose bits.
        self.autocast = False
        self._as_in_training = False

    def build(self, shape):
        dtype = "float64" if self.compute_dtype == "float64" else "float32"

        def state(name, shape, initializer):
            return self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                dtype=dtype,
                trainable=False,
                autocast=False,
            )

        self.mask = state("held", shape, "zeros")
        self.value = state("held_value", shape, "zeros")
        self.pruned_mask = state("pruned", shape, "zeros")
        self.round_free = state("round_free", (), "ones")

    def call(self, taps):
        """Taps with the held ones in their places."""
        # A copy: JAX takes no variable here.
        return ops.where(self.mask > 0.5, ops.copy(self.value), taps)

    def choose(self, taps, rounded, training):
        """The rounded taps where they are to be rounded, else the others."""
        if not (training or self._as_in_training):
            return rounded
        use = ops.logical_or(self.mask > 0.5, self.round_free > 0.5)
        return ops.where(use, rounded, taps)

    def hold(self, mask, value):
        """Holds the taps where `mask` is true, in place of those held so far.

        Pruned taps stay held at zero.

        Args:
            mask: Boolean array of the shape of the stored taps.
            value: Float array of that shape.
        """
        mask = np.broadcast_to(np.asarray(mask, bool), self.mask.shape)
        value = np.where(mask & ~self.pruned, value, 0.0)
        mask = mask | self.pruned
        self.mask.assign(mask.astype(self.mask.dtype))
        self.value.assign(value.astype(self.value.dtype))

    def prune(self, mask):
        """Holds the taps where `mask` is true at zero, for good.

        Args:
            mask: Boolean array of the shape of the stored taps.
        """
        pruned = self.pruned | np.asarray(mask, bool)
        self.pruned_mask.assign(pruned.astype(self.mask.dtype))
        self.hold(self.held, ops.convert_to_numpy(self.value))

    def load_own_variables(self, store):
        super().load_own_variables(store)
        # The callback that trained free taps as real numbers is not there.
        self.round_free.assign(1.0)

    @contextlib.contextmanager
    def as_in_training(self):
        """While it is open, inference rounds what training does, no more."""
        self._as_in_training = True
        try:
            yield
        finally:
            self._as_in_training = False

    @property
    def pruned(self):
        """Boolean array, true where a tap is pruned."""
        return ops.convert_to_numpy(self.pruned_mask) > 0.5

    @property
    def held(self):
        """Boolean array, true where a tap is held."""
        return ops.convert_to_numpy(self.mask) > 0.5
