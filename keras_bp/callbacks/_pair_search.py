"""Moves of one or two rounded taps that lower a loss."""

import numpy as np
from keras import ops

# Moves that are tried in the order of their predicted gain.
_CANDIDATES = 256
# Rounds after which the model of the loss is renewed.
_ROUNDS = 3


class PairSearch:
    """Local search over integers, led by a quadratic model of the loss.

    The gradient of the loss, taken again with each part moved by one step,
    gives its Hessian. That ranks every move of one part, or of two at once,
    by a step; of the first ones the best is taken, if the loss falls.

    Args:
        layers: List of `QuantizedFIR`. Parts that are not held, and pruned
            taps, stay as they are.
        loss: Function without arguments, the loss as a float.
        gradients: Function without arguments, the gradients of the loss with
            respect to `tap_hold.value` of the layers.
    """

    def __init__(self, layers, loss, gradients):
        self.layers = layers
        self.loss = loss
        self.gradients = gradients

    def sweep(self):
        """Builds the model and follows it; returns how many moves it took."""
        self.steps = _stacked([_step_of(layer) for layer in self.layers])
        self.values, self.best = self._values(), self.loss()
        self.now = self.values
        slope = self._slope()
        curvature = self._curvature(self.values, slope)
        moves = 0
        for _ in range(_ROUNDS):
            changes = self._ranked(slope, curvature, self.values)
            losses = [self._try(change) for change in changes]
            order = np.argsort(losses)
            taken = 0
            # The best one, and those that still help on top of it.
            for index in order[: np.sum(np.array(losses) < self.best)]:
                change = changes[index]
                found = self._try(change)
                if found < self.best and self._inside(change):
                    self.best, taken = found, taken + 1
                    self.values = self.values + change * self.steps
                    slope = slope + curvature @ change
            moves += taken
            if not taken:
                break
        self._assign(self.values)
        return moves

    def _try(self, change):
        self._assign(self.values + change * self.steps)
        return self.loss()

    def _inside(self, change):
        moved = self.values + change * self.steps
        low, high = self._limits()
        return np.all((change == 0) | ((moved >= low) & (moved <= high)))

    def _ranked(self, slope, curvature, values):
        """Changes of the least predicted loss, those below the present."""
        single = {}
        for sign in (1, -1):
            change = sign * slope + np.diag(curvature) / 2
            single[sign] = np.where(self._allowed(values, sign), change, np.inf)
        found = []
        for one in (1, -1):
            for i in np.argsort(single[one])[:_CANDIDATES]:
                found.append((single[one][i], ((int(i), one),)))
            for other in (1, -1):
                both = single[one][:, None] + single[other]
                both = both + one * other * curvature
                # Each pair once.
                both[np.tril_indices(len(both))] = np.inf
                for flat in np.argsort(both, axis=None)[:_CANDIDATES]:
                    i, j = divmod(int(flat), len(slope))
                    found.append((both[i, j], ((i, one), (j, other))))
        found.sort(key=lambda entry: entry[0])
        changes = []
        for predicted, move in found[:_CANDIDATES]:
            if predicted < 0:
                changes.append(np.zeros_like(slope))
                for index, sign in move:
                    changes[-1][index] = sign
        return changes

    def _allowed(self, values, sign):
        moved = values + sign * self.steps
        low, high = self._limits()
        return (self.steps > 0) & (moved >= low) & (moved <= high)

    def _limits(self):
        return (
            _stacked(
                [
                    np.full(layer.taps.shape, getattr(layer.tap_format, end))
                    for layer in self.layers
                ]
            )
            for end in ("minimum", "maximum")
        )

    def _curvature(self, values, slope):
        count = len(values)
        curvature = np.zeros((count, count))
        for index in np.flatnonzero(self.steps):
            moved = values.copy()
            moved[index] += self.steps[index]
            self._assign(moved)
            curvature[index] = self._slope() - slope
        self._assign(values)
        return (curvature + curvature.T) / 2

    def _slope(self):
        """Change of the loss per step, for every part."""
        return _stacked(self.gradients()) * self.steps

    def _values(self):
        return _stacked(
            [ops.convert_to_numpy(x.tap_hold.value) for x in self.layers]
        )

    def _assign(self, values):
        start = 0
        for layer in self.layers:
            variable = layer.tap_hold.value
            stop = start + int(np.prod(variable.shape))
            # An assignment takes as long as a good part of the loss.
            if not np.array_equal(values[start:stop], self.now[start:stop]):
                part = np.reshape(values[start:stop], variable.shape)
                variable.assign(ops.cast(part, variable.dtype))
            start = stop
        self.now = values


def _step_of(layer):
    """The step for each part, 0 for one that is free or pruned."""
    hold = layer.tap_hold
    return np.where(hold.held & ~hold.pruned, layer.tap_format.step, 0.0)


def _stacked(parts):
    parts = [np.asarray(part, "float64").ravel() for part in parts]
    return np.concatenate(parts)
