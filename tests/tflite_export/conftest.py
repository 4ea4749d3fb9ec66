import keras
import pytest

from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint


@pytest.fixture
def make_layer():
    """A function that makes a filter of nine complex taps, not built."""

    def make(**settings):
        settings = {
            "tap_format": FixedPoint(6, 4),
            "signal_format": FixedPoint(10, 8),
            "tap_initializer": keras.initializers.RandomUniform(-1, 1, seed=1),
            "padding": "causal",
            **settings,
        }
        return QuantizedFIR(1, 9, **settings)

    return make


@pytest.fixture
def layer(make_layer):
    """The same, built for 32 samples."""
    layer = make_layer()
    layer.build((None, 32, 2))
    return layer
