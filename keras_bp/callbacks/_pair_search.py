"""Moves of one or two rounded taps that lower a loss."""

import numpy as np
from keras import ops

# Moves that were predicted to help and did not, before the model is renewed.
_FAILURES = 20
_CANDIDATES = 30
# By how much a weight that is not rounded is moved to see its curvature.
_PROBE = 1e-3


class PairSearch:
    """Local search over integers, led by a quadratic model of the loss.

    The gradient of the loss, taken again with each part moved by one step,
    gives its Hessian. That predicts every move of one part, or of two at
    once, by a step, with the weights that are not rounded moved along to
    their best; the best move is tried, and kept where the loss falls.

    Args:
        layers: List of `QuantizedFIR`, all taps held.
        free: List of the variables that are trained and not rounded.
        loss: Function without arguments, the loss as a float.
        gradients: Function without arguments, the gradients of the loss with
            respect to `tap_hold.value` of the layers and to `free`.
    """

    def __init__(self, layers, free, loss, gradients):
        self.layers = layers
        self.variables = [layer.tap_hold.value for layer in layers] + free
        self.loss = loss
        self.gradients = gradients
        steps = [self._step_of(layer) for layer in layers]
        self.taps = sum(np.size(step) for step in steps)
        steps += [np.full(x.shape, _PROBE) for x in free]
        self.steps = _stacked(steps)
        self.movable = self.steps > 0
        forms = [layer.tap_format for layer in layers]
        self.low, self.high = (
            _stacked(
                [
                    np.full(layer.taps.shape, getattr(form, end))
                    for layer, form in zip(layers, forms, strict=True)
                ]
            )
            for end in ("minimum", "maximum")
        )

    def sweep(self):
        """Builds the model and follows it; returns how many moves it took."""
        values, best = self._values(), self.loss()
        slope = self._slope()
        curvature = self._curvature(values, slope)
        follow = self._follow(curvature)
        reduced = self._reduced(curvature, follow)
        failures, moves, banned = 0, 0, set()
        while failures < _FAILURES:
            own = slope[: self.taps] + follow.T @ slope[self.taps :]
            move = self._best_move(own, reduced, values, banned)
            if move is None:
                break
            change = np.zeros_like(slope)
            for index, sign in move:
                change[index] += sign
            change[self.taps :] = follow @ change[: self.taps]
            moved = values + change * self.steps
            self._assign(moved)
            found = self.loss()
            if found < best:
                best, values, moves = found, moved, moves + 1
                slope = slope + curvature @ change
                banned.clear()
            else:
                failures += 1
                banned.add(move)
        self._assign(values)
        return moves

    def _follow(self, curvature):
        """How the free weights move along with each tap: a matrix."""
        free = curvature[self.taps :, self.taps :]
        if not free.size:
            return np.zeros((0, self.taps))
        ridge = 1e-6 * np.trace(free) / len(free) * np.eye(len(free))
        return -np.linalg.solve(
            free + ridge, curvature[self.taps :, : self.taps]
        )

    def _reduced(self, curvature, follow):
        """The curvature over the taps, with the free weights at their best."""
        return (
            curvature[: self.taps, : self.taps]
            + curvature[: self.taps, self.taps :] @ follow
        )

    def _best_move(self, slope, curvature, values, banned):
        """The move of the least predicted loss, or None if none helps."""
        diagonal = np.diag(curvature) / 2
        single = {}
        for sign in (1, -1):
            change = sign * slope + diagonal
            single[sign] = np.where(self._allowed(values, sign), change, np.inf)
        found = []
        for one in (1, -1):
            found += [
                (single[one][i], ((i, one),))
                for i in np.argsort(single[one])[:_CANDIDATES]
            ]
            for other in (1, -1):
                both = single[one][:, None] + single[other]
                both = both + one * other * curvature
                np.fill_diagonal(both, np.inf)
                for flat in np.argsort(both, axis=None)[:_CANDIDATES]:
                    i, j = divmod(int(flat), len(slope))
                    pair = tuple(sorted(((i, one), (j, other))))
                    found.append((both[i, j], pair))
        found = [move for move in found if move[1] not in banned]
        change, move = min(found, key=lambda entry: entry[0])
        return move if change < 0 else None

    def _allowed(self, values, sign):
        moved = (values + sign * self.steps)[: self.taps]
        return (
            self.movable[: self.taps]
            & (moved >= self.low)
            & (moved <= self.high)
        )

    def _curvature(self, values, slope):
        count = len(values)
        curvature = np.zeros((count, count))
        for index in np.flatnonzero(self.movable):
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
        return _stacked(map(ops.convert_to_numpy, self.variables))

    def _assign(self, values):
        start = 0
        for variable in self.variables:
            stop = start + int(np.prod(variable.shape))
            part = np.reshape(values[start:stop], variable.shape)
            variable.assign(ops.cast(part, variable.dtype))
            start = stop

    def _step_of(self, layer):
        """The step for each part, 0 for a pruned tap."""
        value = ops.convert_to_numpy(layer.tap_hold.value)
        pruned = np.all(value == 0, axis=tuple(range(1, value.ndim)))
        shape = (-1,) + (1,) * (value.ndim - 1)
        return np.where(
            np.reshape(pruned, shape), 0.0, layer.tap_format.step
        ) * np.ones(value.shape)


def _stacked(parts):
    parts = [np.asarray(part, "float64").ravel() for part in parts]
    return np.concatenate(parts)
