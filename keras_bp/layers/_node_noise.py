"""Where a stochastic node gets its noise from."""

from keras_bp import _random


class NoiseSource:
    """Draws from the generator of a layer, for a distribution.

    Args:
        seed_generator: `keras.random.SeedGenerator`.
        dtype: String, `"float32"` or `"float64"`.
    """

    def __init__(self, seed_generator, dtype):
        self._seed_generator = seed_generator
        self._dtype = dtype

    def uniform(self, shape):
        """Numbers in [0, 1)."""
        return _random.uniform(shape, self._seed_generator, self._dtype)

    def seed(self):
        """A seed of two integers."""
        return _random.seed(self._seed_generator)
