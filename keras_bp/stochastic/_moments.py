"""Mean and variance of many estimates, gathered inside one graph."""

import dataclasses
import math

import numpy as np

NUM_BLOCKS = 20
# Of Student's t with NUM_BLOCKS - 1 degrees of freedom, 97.5 %.
_QUANTILE = 2.0930240544


@dataclasses.dataclass
class Moments:
    """What is known of several quantities, all in float64.

    Attributes:
        copies: Integer, estimates of which each evaluation is the mean.
        count: Integer, evaluations.
        means: List of arrays, one for each quantity.
        squares: List of arrays, sums of squared deviations from the mean.
        blocks: List of lists, for each block of evaluations the variance
            within it of each quantity, on average over elements.
    """

    copies: int
    count: int = 0
    means: list | None = None
    squares: list | None = None
    blocks: list = dataclasses.field(default_factory=list)

    def merge(self, count, means, squares):
        """Adds a block of evaluations (Chan, Golub, LeVeque, 1983)."""
        self.blocks.append(
            [
                self.copies * float(np.mean(square)) / (count - 1)
                if square.size
                else 0.0
                for square in squares
            ]
        )
        if self.means is None:
            self.count, self.means, self.squares = count, means, squares
            return
        total = self.count + count
        for i, (mean, square) in enumerate(zip(means, squares, strict=True)):
            step = mean - self.means[i]
            self.squares[i] = self.squares[i] + square
            self.squares[i] += step**2 * (self.count * count / total)
            self.means[i] = self.means[i] + step * (count / total)
        self.count = total

    @property
    def num_estimates(self):
        return self.count * self.copies

    def variances(self):
        """The variance of one estimate, of each element."""
        return [self.copies * x / (self.count - 1) for x in self.squares]

    def errors(self):
        """The standard error of the means, of each element."""
        return [np.sqrt(x / (self.num_estimates)) for x in self.variances()]

    def interval(self, indices, weights):
        """Where a weighted mean of variances lies, with 95 % confidence.

        By the spread between blocks, on a logarithmic scale.

        Args:
            indices: List of integers, the quantities.
            weights: List of numbers, how each counts.
        """
        table = np.array(self.blocks)[:, indices]
        each = table @ (np.array(weights) / np.sum(weights))
        mean = each.mean()
        if mean == 0:
            return 0.0, 0.0
        spread = each.std(ddof=1) / math.sqrt(len(each)) / mean
        return tuple(
            float(mean * math.exp(sign * _QUANTILE * spread))
            for sign in (-1, 1)
        )


def gather_moments(estimate, shapes, num_evaluations, copies=1):
    """Evaluates a function again and again.

    Args:
        estimate: Function without arguments that returns a list of tensors,
            each the mean of `copies` estimates.
        shapes: List of tuples, their shapes.
        num_evaluations: Integer, rounded up to a multiple of 20 blocks of
            two or more.
        copies: Integer.

    Returns:
        `Moments`.
    """
    size = max(2, -(-num_evaluations // NUM_BLOCKS))
    block = _block_function(estimate, shapes, size)
    moments = Moments(copies)
    for _ in range(NUM_BLOCKS):
        means, squares = block()
        moments.merge(
            size,
            [np.array(x) for x in means],
            [np.array(x) for x in squares],
        )
    return moments


def _block_function(estimate, shapes, size):
    import tensorflow as tf

    def follow(i, means, squares):
        """Welford's update, in which small variances survive."""
        values = [tf.cast(x, "float64") for x in estimate()]
        steps = [x - mean for x, mean in zip(values, means, strict=True)]
        n = tf.cast(i + 1, "float64")
        means = [m + d / n for m, d in zip(means, steps, strict=True)]
        squares = [
            square + d * (x - mean)
            for square, d, x, mean in zip(
                squares, steps, values, means, strict=True
            )
        ]
        return i + 1, means, squares

    @tf.function(autograph=False)
    def block():
        zeros = [tf.zeros(shape, "float64") for shape in shapes]
        _, means, squares = tf.while_loop(
            lambda i, *_: i < size,
            follow,
            (0, zeros, zeros),
            parallel_iterations=1,
        )
        return means, squares

    return block
