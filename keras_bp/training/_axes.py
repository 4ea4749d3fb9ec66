"""Samples of an example as leading axes, folded into the batch.

A tensor below a node with several samples has one row for each of them: its
rows are the samples of the nodes above it, in the order of the graph, and then
the batch. Tensors of fewer axes are repeated where they meet.
"""

import math

from keras import ops


class Axes:
    """The sizes of all axes, and the changes between them.

    Args:
        batch: Integer or scalar tensor, the number of examples.
        order: List of names, the order of axes.

    Attributes:
        sizes: Dictionary from the name of an axis to its size.
    """

    def __init__(self, batch, order):
        self.batch = batch
        self.sizes = {}
        self._order = list(order)

    def union(self, *many):
        """The axes that any of them has, in order."""
        names = {name for axes in many for name in axes}
        return tuple(name for name in self._order if name in names)

    def count(self, axes):
        """Rows of an example."""
        return math.prod(self.sizes[name] for name in axes)

    def expand(self, x, have, want):
        """Repeats the rows of `x` along the axes that it does not have."""
        if have == want or not len(x.shape):
            return x
        tail = _tail(x)
        narrow = [self.sizes[a] if a in have else 1 for a in want]
        wide = [self.sizes[a] for a in want]
        x = ops.reshape(x, (*narrow, -1, *tail))
        x = ops.broadcast_to(x, (*wide, self.batch, *tail))
        return ops.reshape(x, (-1, *tail))

    def split(self, x, axes):
        """The rows as an array `(*sizes, batch, ...)`."""
        sizes = [self.sizes[name] for name in axes]
        return ops.reshape(x, (*sizes, -1, *_tail(x)))

    def reduce(self, x, have, want, weights):
        """Averages rows over the axes that are not wanted.

        Args:
            x: Tensor `(rows,)`.
            have: Tuple of names, the axes of its rows.
            want: Tuple of names, those that stay.
            weights: Dictionary from the name of an axis to a pair of weights
                `(rows,)` and their axes; an axis without has equal ones.
        """
        if have == want:
            return x
        gone = [name for name in have if name not in want]
        equal = 1
        for name in gone:
            if name in weights:
                weight, own = weights[name]
                weight = self.expand(weight, own, have)
                x = x * ops.cast(weight, x.dtype)
            else:
                equal *= self.sizes[name]
        index = tuple(have.index(name) for name in gone)
        return (
            ops.reshape(ops.sum(self.split(x, have), axis=index), (-1,)) / equal
        )


def _tail(x):
    known = tuple(x.shape[1:])
    if None not in known:
        return known
    return tuple(ops.shape(x)[1:])
