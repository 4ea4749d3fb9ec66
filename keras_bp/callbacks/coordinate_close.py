"""The callback that rounds taps one at a time, each to the better side."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.callbacks._pair_search import PairSearch
from keras_bp.callbacks._tap_callback import (
    TapCallback,
    hold_one,
    integer_taps,
    integers_beside,
    rounded_taps,
)

ORDERS = ("farthest", "nearest")


class CoordinateClose(TapCallback):
    r"""Holds the free parts of the taps one by one; the others retrain.

    After every few steps one free part is tried on both sides, on `x` and
    `y`, and held where the loss is smaller. Use it for what
    `IncrementalFreeze` has left. When training ends, what is still free is
    closed without retraining. Then a search moves one part, or two at a time,
    by a step of the format where that lowers the loss; its candidates come
    from the Hessian of the loss, built `sweeps` times by one gradient per
    part. (With `max_digits`, and on another backend than TensorFlow, each
    part is tried alone.)

    The logs get `held`, the share of the taps' parts that is held, and
    `closing_loss`, the loss on `x` and `y` at the last part held. What it is
    when training has ended is in the attribute `loss`.

    Args:
        x: Array or tensor, inputs of one batch on which candidates are
            compared.
        y: Array or tensor, its targets.
        every: Positive integer, training steps between two parts.
            Defaults to `10`.
        start: Integer, zero or more: steps before `every` begins to count;
            the first part is held after `start + every`. Defaults to `0`.
        order: String, which free part comes next: `"nearest"`, the one
            next to a number of the format, or `"farthest"`. Defaults to
            `"nearest"`.
        sweeps: Integer, zero or more; they end early when no part moves.
            Defaults to `1`.
        layers: List of `QuantizedFIR`, or None for all of the model.
            Defaults to `None`.

    Raises:
        TypeError: A count is no integer.
        ValueError: A number is out of range, or, after the first batch, the
            model holds no `QuantizedFIR` with a `tap_format` of a fixed
            scale.

    Example:

    >>> import numpy as np
    >>> from keras_bp.callbacks import CoordinateClose
    >>> x = y = np.zeros((4, 64, 2))
    >>> CoordinateClose(x, y, every=20).every
    20
    """

    def __init__(
        self, x, y, every=10, start=0, order="nearest", sweeps=1, layers=None
    ):
        super().__init__(layers)
        owner = type(self).__name__
        _checks.check_integer("every", every, minimum=1, owner=owner)
        _checks.check_integer("start", start, minimum=0, owner=owner)
        _checks.check_integer("sweeps", sweeps, minimum=0, owner=owner)
        self.x = x
        self.y = y
        self.every = every
        self.start = start
        _checks.check_one_of("order", order, ORDERS, owner=owner)
        self.order = order
        self.sweeps = sweeps

    def begin(self):
        self._closed = 0
        self.loss = float("nan")
        self._loss = _loss_function(self.model, self.x, self.y, self._layers)
        self.train_free_taps_unrounded()

    def after_step(self, logs):
        while self.step >= self.start + (self._closed + 1) * self.every:
            self._closed += 1
            self._close_next()
        self._log(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._log(logs)

    def on_train_end(self, logs=None):
        # Another callback may have ended before, and rounds them.
        self.train_free_taps_unrounded()
        while self._layers and self._close_next():
            pass
        super().on_train_end(logs)
        search = self._search() if self._layers and self.sweeps else None
        for _ in range(self.sweeps if search else 0):
            if not search():
                break
        if search:
            self.loss = float(self._loss())
        self._log(logs)

    def _search(self):
        """A function that moves taps for the better; it counts the moves."""
        few_digits = any(
            layer.tap_format.max_digits is not None for layer in self._layers
        )
        if keras.backend.backend() != "tensorflow" or few_digits:
            return self._sweep
        held = [layer.tap_hold.value for layer in self._layers]
        gradients = _gradient_function(self.model, self.x, self.y, held)
        return PairSearch(
            self._layers, lambda: float(self._loss()), gradients
        ).sweep

    def _log(self, logs):
        if logs is not None and self._layers:
            logs["held"] = self.held_share()
            logs["closing_loss"] = self.loss

    def _close_next(self):
        """Holds the next free part; false if none is left."""
        found = None
        for layer in self._layers:
            taps = integer_taps(layer)
            far = np.abs(taps - rounded_taps(layer) / layer.tap_format.step)
            rank = far if self.order == "nearest" else -far
            rank[layer.tap_hold.held] = np.inf
            index = np.unravel_index(rank.argmin(), rank.shape)
            if rank[index] < (found[0] if found else np.inf):
                found = rank[index], layer, index, taps[index]
        if found is None:
            return False
        _, layer, index, value = found
        beside = integers_beside(layer.tap_format, value)
        self.loss = self._hold_best(layer, index, beside)
        return True

    def _hold_best(self, layer, index, candidates):
        """Tries integers for a part of the taps; returns the least loss."""
        step = layer.tap_format.step
        losses = []
        for candidate in candidates:
            hold_one(layer, index, candidate * step)
            losses.append(float(self._loss()))
        best = int(np.argmin(losses))
        hold_one(layer, index, candidates[best] * step)
        return losses[best]

    def _sweep(self):
        """Tries one step up and down for all; returns how many moved."""
        moved = 0
        for layer in self._layers:
            taps = np.rint(integer_taps(layer))
            pruned = layer.tap_hold.pruned
            for index in np.ndindex(taps.shape):
                if pruned[index]:
                    continue
                now = taps[index]
                beside = {
                    side[0 if change < 0 else -1]
                    for change in (-0.5, 0.5)
                    for side in [
                        integers_beside(layer.tap_format, now + change)
                    ]
                }
                self.loss = self._hold_best(
                    layer, index, sorted({now, *beside})
                )
                moved += float(integer_taps(layer)[index]) != now
        return moved


def _loss_function(model, x, y, layers):
    """The loss of `model` on one batch, with taps that are free unrounded."""
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)

    def loss():
        with contextlib.ExitStack() as stack:
            for layer in layers:
                stack.enter_context(layer.tap_hold.as_in_training())
            y_pred = model(x, training=False)
        return model.compute_loss(x, y, y_pred, training=False)

    if keras.backend.backend() != "tensorflow":
        return loss
    import tensorflow as tf

    return tf.function(loss, autograph=False, jit_compile=model.jit_compile)


def _gradient_function(model, x, y, weights):
    """A function that gives the gradients of that loss."""
    import tensorflow as tf

    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)

    def gradients():
        with tf.GradientTape() as tape:
            tape.watch([weight.value for weight in weights])
            y_pred = model(x, training=False)
            loss = model.compute_loss(x, y, y_pred, training=False)
        return tape.gradient(loss, [weight.value for weight in weights])

    return tf.function(
        gradients, autograph=False, jit_compile=model.jit_compile
    )
