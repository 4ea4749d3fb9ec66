"""Means of a surrogate over pairs of a positive and a negative example."""

from keras import ops

from keras_bp.losses._sums import running_sum
from keras_bp.losses._surrogates import SURROGATES

# Rows of the matrix of pairs that are in memory at once.
ROWS = 64


def pair_mean(positive, negative, scores, surrogate, scale, margin):
    r"""Weighted mean of a surrogate over the pairs of each label.

    .. math::
        \sum_{ij} p_i n_j\, \phi(m - \beta (s_i - s_j)),
        \quad \sum_i p_i = \sum_j n_j = 1

    The squared surrogate takes means and variances, the hinge takes sorting;
    the others are summed in blocks of rows, so that no more than `ROWS` rows
    of pairs are in memory at once, and only of as many blocks as hold examples
    of the class that has fewer.

    Args:
        positive, negative: Tensors `(labels, batch)` of weights, not negative.
        scores: Tensor of that shape.
        surrogate: String, of `SURROGATES`.
        scale: Float, beta.
        margin: Float, m.

    Returns:
        Tensor `(labels,)`. It is finite where a label has no pairs, too.
    """
    p, n = _shares(positive), _shares(negative)
    # Only differences count; sums of centered scores lose fewer digits.
    middle = ops.sum((p + n) * scores, axis=-1, keepdims=True) / 2
    a = scale * (scores - ops.stop_gradient(middle))
    if surrogate == "squared":
        return _squared(p, n, a, margin)
    if surrogate == "hinge":
        return _hinge(p, n, a, margin)
    return _blockwise(p, n, a, surrogate, margin)


def _shares(weights):
    total = ops.sum(weights, axis=-1, keepdims=True)
    return weights / ops.where(total > 0, total, ops.ones_like(total))


def _squared(p, n, a, margin):
    """The squared bias of the margin, and the two variances."""
    means, variances = [], []
    for share in (p, n):
        mean = ops.sum(share * a, axis=-1, keepdims=True)
        means.append(mean)
        variances.append(ops.sum(share * ops.square(a - mean), axis=-1))
    bias = margin - (means[0] - means[1])[:, 0]
    return ops.square(bias) + variances[0] + variances[1]


def _hinge(p, n, a, margin):
    """Each positive against the sums of the negatives above its margin."""
    size = ops.shape(a)[-1]
    # A positive and a negative exactly at its margin have a loss of 0.
    keys = ops.stop_gradient(ops.concatenate([a, a - margin], axis=-1))
    order = ops.argsort(-keys, axis=-1)
    place = ops.argsort(order, axis=-1)

    def above(x):
        x = ops.concatenate([x, ops.zeros_like(x)], axis=-1)
        sums = running_sum(ops.take_along_axis(x, order, axis=-1))
        return ops.take_along_axis(sums, place, axis=-1)[:, size:]

    return ops.sum(p * ((margin - a) * above(n) + above(n * a)), axis=-1)


def _blockwise(p, n, a, surrogate, margin):
    # Of a pair with the classes exchanged and the signs turned nothing changes.
    fewer = ops.sum(ops.cast(p > 0, a.dtype), axis=-1, keepdims=True)
    turn = fewer > ops.sum(ops.cast(n > 0, a.dtype), axis=-1, keepdims=True)
    rows, columns = ops.where(turn, n, p), ops.where(turn, p, n)
    return _block_sum(ops.where(turn, -a, a), rows, columns, surrogate, margin)


def _block_sum(a, rows, columns, surrogate, margin):
    """Sum over pairs, and its gradient in `a` alone, each in blocks."""
    value, slope, _ = SURROGATES[surrogate]

    @ops.custom_gradient
    def pairs(a, rows, columns):
        # Without the tape: a persistent one would keep what the loop does.
        blocks = _Blocks(ops.stop_gradient(a), rows, margin)

        def add(index, total):
            z, weight = blocks.take(index)
            inner = ops.sum(columns[:, None, :] * value(z), axis=-1)
            return index + 1, total + ops.sum(weight * inner, axis=-1)

        (total,) = blocks.loop(add, [ops.zeros_like(a[:, 0])])

        # Of ops that have gradients themselves, for those of second order.
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            g = _block_gradient(a, rows, columns, slope, margin)
            unused = ops.zeros_like(a)
            return ops.expand_dims(upstream, -1) * g, unused, unused

        return total, grad

    return pairs(a, rows, columns)


def _block_gradient(a, rows, columns, slope, margin):
    blocks = _Blocks(a, rows, margin)

    def add(index, of_rows, of_columns):
        z, weight = blocks.take(index)
        g = ops.expand_dims(weight, -1) * ops.expand_dims(columns, 1) * slope(z)
        here = ops.cast(ops.arange(blocks.count) == index, a.dtype)
        here = ops.reshape(here, (1, -1, 1))
        of_row = ops.expand_dims(ops.sum(g, axis=-1), 1)
        return index + 1, of_rows + here * of_row, of_columns + ops.sum(g, 1)

    zeros = ops.zeros_like(blocks.weights)
    of_rows, of_columns = blocks.loop(add, [zeros, ops.zeros_like(a)])
    return of_columns - blocks.restore(of_rows)


class _Blocks:
    """The rows of the matrix of pairs, those with a weight first.

    Args:
        a: Tensor `(labels, batch)`, scores of rows and of columns.
        rows: Tensor of that shape, the weights of rows.
        margin: Float.
    """

    def __init__(self, a, rows, margin):
        self.a, self.margin = a, margin
        self.labels, self.size = ops.shape(a)
        self.count = (self.size + ROWS - 1) // ROWS
        empty = ops.cast(rows <= 0, "int32")
        # Also by place, since not every sort is stable.
        rank = empty * self.size + ops.arange(self.size, dtype="int32")
        self.order = ops.argsort(rank, axis=-1)
        self.place = ops.argsort(self.order, axis=-1)
        self.scores = self._split(a)
        self.weights = self._split(rows)
        filled = ops.max(ops.sum(1 - empty, axis=-1))
        self.filled = (filled + ROWS - 1) // ROWS

    def _split(self, x):
        """In blocks `(labels, count, ROWS)`, filled up with zeros."""
        x = ops.take_along_axis(x, self.order, axis=-1)
        fill = ops.zeros_like(x[:, :1]) * ops.zeros((1, ROWS), x.dtype)
        x = ops.concatenate([x, fill], axis=-1)[:, : self.count * ROWS]
        return ops.reshape(x, (self.labels, self.count, ROWS))

    def restore(self, x):
        """The inverse of the split."""
        x = ops.reshape(x, (self.labels, self.count * ROWS))[:, : self.size]
        return ops.take_along_axis(x, self.place, axis=-1)

    def take(self, index):
        """Arguments of the surrogate `(labels, ROWS, batch)`, and weights."""
        score = ops.expand_dims(ops.take(self.scores, index, axis=1), -1)
        z = self.margin - (score - ops.expand_dims(self.a, 1))
        return z, ops.take(self.weights, index, axis=1)

    def loop(self, body, carried):
        """Carries tensors through the blocks that hold weights."""
        index = ops.zeros((), "int32")
        found = ops.while_loop(
            lambda index, *_: index < self.filled, body, (index, *carried)
        )
        return found[1:]
