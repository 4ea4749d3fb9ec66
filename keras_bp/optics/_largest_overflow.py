"""One number for the overflows of all formats of a model."""

import keras
from keras import ops


class LargestOverflow(keras.metrics.Metric):
    """The largest of the shares that quantizers count.

    Args:
        quantizers: List of `FixedPointQuantizer` that count.
        name: String.
    """

    def __init__(self, quantizers, name="overflow"):
        super().__init__(name=name)
        self._quantizers = list(quantizers)

    def update_state(self):
        """The quantizers count by themselves."""

    def result(self):
        return ops.max(
            ops.stack([each.overflow.result() for each in self._quantizers])
        )

    def reset_state(self):
        for each in self._quantizers:
            each.overflow.reset_state()


def counting_quantizers(model):
    """The quantizers of a `TimeDomainDBP` that count overflows, in order."""
    found = [model.input_quantizer] if model.input_quantizer else []
    for layer in (*model.fir_layers, *model.kerr_layers):
        found += layer.quantizers
    return [each for each in found if each.overflow is not None]
