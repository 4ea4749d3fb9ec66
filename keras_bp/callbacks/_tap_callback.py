"""What the callbacks that hold taps have in common."""

import keras
import numpy as np
from keras import ops

from keras_bp.layers.quantized_fir import QuantizedFIR
from keras_bp.ops.signed_digits import integers_of_few_digits


class TapCallback(keras.callbacks.Callback):
    """Counts training steps, and knows the filters of the model.

    Args:
        layers: List of `QuantizedFIR`, or None for all of the model.
        rounded: Boolean, whether the callback needs layers that round.
    """

    def __init__(self, layers=None, rounded=True):
        super().__init__()
        self._given = layers
        self._rounded = rounded

    def on_train_begin(self, logs=None):
        self.step = 0
        self._layers = None

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = -1

    def on_train_batch_begin(self, batch, logs=None):
        # Not before: a model may be built by its first batch.
        if self._layers is None and self.model.built:
            self._start()

    def on_train_batch_end(self, batch, logs=None):
        # On JAX, weights have no value amid an epoch before the model is asked
        # for: Keras then brings them back from the compiled step.
        if self.model.built and self._layers is None:
            self._start()
        # With `steps_per_execution`, several at a time.
        self.step += batch - self._batch
        self._batch = batch
        self.after_step(logs)

    def _start(self):
        self._layers = self._checked_layers()
        self.begin()

    def begin(self):
        """Called once, when the layers are built."""

    def after_step(self, logs):
        """Called after each execution of training steps."""

    def _checked_layers(self):
        owner = type(self).__name__
        found = self._given
        if found is None:
            found = list(quantized_firs(self.model))
        if not found:
            raise ValueError(
                f"{owner} expects a model that holds a "
                "keras_bp.layers.QuantizedFIR. "
                f"Received: model={self.model.name!r} without one"
            )
        for layer in found:
            form = layer.tap_format
            if self._rounded and (form is None or form.scale != "fixed"):
                raise ValueError(
                    f"{owner} expects layers with a `tap_format` of a fixed "
                    f"scale. Received: {layer.name!r}, tap_format={form}"
                )
        return found

    def train_free_taps_unrounded(self):
        for layer in self._layers or ():
            layer.tap_hold.round_free.assign(0.0)

    def on_train_end(self, logs=None):
        for layer in self._layers or ():
            layer.tap_hold.round_free.assign(1.0)

    def held_share(self):
        """Share of the numbers in the taps that are held."""
        held = [layer.tap_hold.held for layer in self._layers]
        return float(sum(map(np.sum, held)) / sum(map(np.size, held)))


def quantized_firs(layer):
    """The `QuantizedFIR` layers in `layer` and below, in order."""
    seen = set()

    def walk(layer):
        if id(layer) in seen:
            return
        seen.add(id(layer))
        if isinstance(layer, QuantizedFIR):
            yield layer
        for inner in getattr(layer, "layers", ()):
            yield from walk(inner)

    yield from walk(layer)


def integer_taps(layer):
    """The taps of `layer` in steps of its format, not rounded, float64."""
    taps = ops.convert_to_numpy(layer.tap_hold(ops.copy(layer.taps)))
    return taps.astype("float64") / layer.tap_format.step


def rounded_taps(layer):
    """The taps of `layer` as its quantizer rounds them."""
    taps = layer.tap_hold(ops.copy(layer.taps))
    return ops.convert_to_numpy(layer.tap_quantizer(taps))


def integers_beside(form, value):
    """The integers of `form` next to `value`, one or two, sorted."""
    if form.max_digits is None:
        below = np.floor(value)
        found = (below, below + 1)
    else:
        table = integers_of_few_digits(
            form.minimum_integer, form.maximum_integer, form.max_digits
        )
        above = int(np.searchsorted(table, value, side="right"))
        found = table[max(above - 1, 0) : above + 1]
    found = np.clip(found, form.minimum_integer, form.maximum_integer)
    return sorted(set(found.tolist()))


def hold_one(layer, index, value):
    """Holds one number more of the taps of `layer`, at `value`."""
    mask, values = (
        layer.tap_hold.held,
        ops.convert_to_numpy(layer.tap_hold.value),
    )
    mask, values = mask.copy(), values.copy()
    mask[index], values[index] = True, value
    layer.tap_hold.hold(mask, values)
