"""The callback that rounds taps group by group while the rest trains."""

import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.callbacks._tap_callback import (
    TapCallback,
    integer_taps,
    rounded_taps,
)

ORDERS = ("nearest", "largest", "random")


class IncrementalFreeze(TapCallback):
    r"""Rounds and holds a growing share of the taps; the others retrain.

    Rounding all taps at every step, straight through, oscillates when they
    have few bits. Here taps that are not held train as real numbers, and make
    up for the error of those that are. Parts of a complex tap are held one by
    one; what was held before, such as a pruned tap, stays. When training
    ends, the taps that are left are rounded.

    The logs get `held`, the share of the taps' parts that is held.

    Args:
        shares: Increasing sequence of floats in (0, 1], the shares to hold of
            what was free at the start. Defaults to `(0.5, 0.75, 0.875, 1.0)`.
        every: Positive integer, training steps between two shares.
            Defaults to `100`.
        start: Integer, zero or more: steps before the first share. With 0
            that share is held before the first step, at what the taps are
            then: give a model that is not trained yet some hundred steps.
            Defaults to `0`.
        order: String, what is held first. `"nearest"`: the parts next to
            a rounded number. `"largest"`: those of largest magnitude.
            `"random"`. Defaults to `"nearest"`.
        seed: Integer, of `"random"`. Defaults to `0`.
        layers: List of `QuantizedFIR`, or None for all of the model.
            Defaults to `None`.

    Raises:
        TypeError: A count is no integer.
        ValueError: A number or name is out of range, or, after the first
            batch, the model holds no `QuantizedFIR` with a `tap_format` of a
            fixed scale.

    Example:

    >>> from keras_bp.callbacks import IncrementalFreeze
    >>> IncrementalFreeze(shares=(0.5, 1.0), every=200).every
    200

    Reference:
        Zhou et al., 2017, "Incremental Network Quantization",
        https://arxiv.org/abs/1702.03044.
    """

    def __init__(
        self,
        shares=(0.5, 0.75, 0.875, 1.0),
        every=100,
        start=0,
        order="nearest",
        seed=0,
        layers=None,
    ):
        super().__init__(layers)
        owner = type(self).__name__
        shares = tuple(shares)
        if (
            not shares
            or any(np.diff((0, *shares)) <= 0)
            or not 0 < shares[-1] <= 1
        ):
            raise ValueError(
                f"{owner} expects `shares` to increase within (0, 1]. "
                f"Received: shares={shares}"
            )
        _checks.check_integer("every", every, minimum=1, owner=owner)
        _checks.check_integer("start", start, minimum=0, owner=owner)
        _checks.check_integer("seed", seed, minimum=0, owner=owner)
        _checks.check_one_of("order", order, ORDERS, owner=owner)
        self.shares = shares
        self.every = every
        self.start = start
        self.order = order
        self.seed = seed

    def begin(self):
        self._done = 0
        self._held_before = [layer.tap_hold.held for layer in self._layers]
        self.train_free_taps_unrounded()
        self._advance()

    def after_step(self, logs):
        self._advance()
        if logs is not None:
            logs["held"] = self.held_share()

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["held"] = self.held_share()

    def _advance(self):
        while (
            self._done < len(self.shares)
            and self.step >= self.start + self._done * self.every
        ):
            self._freeze(self.shares[self._done])
            self._done += 1

    def _freeze(self, share):
        free = [~held for held in self._held_before]
        count = round(share * sum(map(np.sum, free)))
        held = [layer.tap_hold.held for layer in self._layers]
        ranks = np.concatenate(
            [
                # What is held already comes first, what was before not at all.
                np.where(now, -np.inf, rank)[chosen]
                for now, rank, chosen in zip(
                    held, self._ranks(), free, strict=True
                )
            ]
        )
        chosen = np.zeros(len(ranks), bool)
        chosen[np.argsort(ranks, kind="stable")[:count]] = True
        start = 0
        for layer, before, open_ in zip(
            self._layers, self._held_before, free, strict=True
        ):
            mask = before.copy()
            mask[open_] = chosen[start : start + open_.sum()]
            start += open_.sum()
            layer.tap_hold.hold(mask, rounded_taps(layer))

    def _ranks(self):
        """Numbers by which the parts of each layer's taps are sorted."""
        rng = np.random.default_rng(self.seed + self._done)
        for layer in self._layers:
            if self.order == "random":
                yield rng.random(layer.taps.shape)
            elif self.order == "largest":
                yield -np.abs(ops.convert_to_numpy(layer.taps))
            else:
                taps = integer_taps(layer)
                step = layer.tap_format.step
                yield np.abs(rounded_taps(layer) / step - taps)
