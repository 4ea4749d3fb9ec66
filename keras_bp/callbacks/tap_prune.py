"""The callback that shortens filters while they train."""

import numpy as np

from keras_bp import _checks
from keras_bp.callbacks._tap_callback import TapCallback


class TapPrune(TapCallback):
    r"""Holds the outermost taps at zero, one pair after the other.

    The taps that are left make up for each loss before the next one. The
    outermost pairs of all layers go first, in random order, then the next
    ones. `LearnedDBP.pruned` turns the result into shorter filters.

    The logs get `mean_taps`, the mean length of the filters.

    Args:
        target_taps: Positive integer, or sequence of them, taps to keep per
            layer, of the same parity as the layer has; a sequence is repeated
            over the layers, so that `(5, 3)` gives 5, 3, 5, 3, ...
        steps: Positive integer, training steps over which the pairs go, in
            equal distances.
        start: Integer, zero or more: steps before. Defaults to `0`.
        seed: Integer, of the order. Defaults to `0`.
        layers: List of `QuantizedFIR`, or None for all of the model.
            Defaults to `None`.

    Raises:
        TypeError: A count is no integer.
        ValueError: A count is out of range, or, after the first batch, the
            model holds no `QuantizedFIR`, or a target does not fit one.

    Example:

    >>> from keras_bp.callbacks import TapPrune
    >>> TapPrune(target_taps=(5, 3), steps=10_000).target_taps
    (5, 3)

    Reference:
        Häger and Pfister, 2018, "Deep Learning of the Nonlinear Schrödinger
        Equation in Fiber-Optic Communications",
        https://arxiv.org/abs/1804.02799.
    """

    def __init__(self, target_taps, steps, start=0, seed=0, layers=None):
        super().__init__(layers, rounded=False)
        owner = type(self).__name__
        targets = target_taps if np.ndim(target_taps) else (target_taps,)
        for target in targets:
            _checks.check_integer("target_taps", target, minimum=1, owner=owner)
        _checks.check_integer("steps", steps, minimum=1, owner=owner)
        _checks.check_integer("start", start, minimum=0, owner=owner)
        _checks.check_integer("seed", seed, minimum=0, owner=owner)
        self.target_taps = tuple(targets)
        self.steps = steps
        self.start = start
        self.seed = seed

    def begin(self):
        rng = np.random.default_rng(self.seed)
        self._pending = []
        for index, layer in enumerate(self._layers):
            target = self.target_taps[index % len(self.target_taps)]
            pairs = self._pairs_to_go(layer, target)
            self._pending += [(ring, rng.random(), layer) for ring in pairs]
        self._pending.sort(key=lambda found: found[:2])
        self._total = len(self._pending)

    def after_step(self, logs):
        passed = (self.step - self.start) / self.steps
        due = int(np.floor(np.clip(passed, 0, 1) * self._total))
        while self._pending and self._total - len(self._pending) < due:
            ring, _, layer = self._pending.pop(0)
            prune_pair(layer, ring)
        self._log(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._log(logs)

    def _log(self, logs):
        if logs is not None:
            lengths = [filter_length(layer) for layer in self._layers]
            logs["mean_taps"] = float(np.mean(lengths))

    def _pairs_to_go(self, layer, target):
        if target > layer.num_taps or (layer.num_taps - target) % 2:
            raise ValueError(
                f"{type(self).__name__} expects `target_taps` of at most the "
                "length of each layer, and smaller by pairs. Received: "
                f"target_taps={target} for {layer.name!r} of "
                f"{layer.num_taps} taps"
            )
        gone = (layer.num_taps - filter_length(layer)) // 2
        return range(gone, (layer.num_taps - target) // 2)


def prune_pair(layer, ring):
    """Holds taps `ring` and `num_taps - 1 - ring` of `layer` at zero."""
    mask = np.zeros(layer.taps.shape, bool)
    mask[[ring] if layer.symmetric else [ring, layer.num_taps - 1 - ring]] = (
        True
    )
    layer.tap_hold.prune(mask)


def filter_length(layer):
    """Number of taps of `layer` without the outer pairs that are pruned."""
    gone = layer.tap_hold.pruned
    gone = gone.reshape(len(gone), -1).all(axis=1)
    if layer.symmetric:
        gone = np.concatenate([gone, gone[-2::-1]])
    pairs = (gone & gone[::-1])[: (layer.num_taps - 1) // 2]
    return layer.num_taps - 2 * int(np.argmin(np.append(pairs, False)))
