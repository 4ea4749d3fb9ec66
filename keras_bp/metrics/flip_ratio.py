"""How many bits change from one look to the next."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable


@serializable
class FlipRatio(keras.metrics.Metric):
    r"""Share of values that changed since the last update.

    .. math::
        \frac{1}{n} \sum_i 1[x_i \ne x_i']

    on average over the updates since the last reset. It tells whether binary
    outputs on fixed inputs, or binary weights, still move. A reset keeps the
    values :math:`x'` of the last update, so that with one update an epoch it
    is the share that changed within the epoch.

    Before the second update there is nothing to compare with, and the result
    is NaN. A NaN among the values counts as changed; with `threshold` it lies
    below.

    Args:
        shape: Tuple of positive integers, the shape of the values.
        threshold: Float, for real values: what counts is on which side of it
            a value lies, so that 0 gives the flips of signs; a value that
            equals it lies below. None compares the values as they are, in the
            metric's dtype. Defaults to `None`.
        name: String. Defaults to `"flip_ratio"`.
        dtype: Dtype of the values that are kept, or None for float32.

    Call arguments:
        values: Tensor of the shape.

    Raises:
        TypeError: `shape` is no sequence of integers.
        ValueError: `shape` holds a number below 1, `threshold` is not finite,
            or the values have another shape.

    Example:

    >>> from keras_bp.metrics import FlipRatio
    >>> metric = FlipRatio((4,))
    >>> metric.update_state([0, 1, 1, 0])
    >>> metric.update_state([0, 1, 0, 0])
    >>> float(metric.result())
    0.25

    Reference:
        Geiger and Team, 2020, "Larq: An Open-Source Library for Training
        Binarized Neural Networks", https://doi.org/10.21105/joss.01746.
    """

    def __init__(self, shape, threshold=None, name="flip_ratio", dtype=None):
        super().__init__(name=name, dtype=dtype or "float32")
        owner = type(self).__name__
        if not isinstance(shape, (tuple, list)):
            raise TypeError(
                f"{owner} expects `shape` to be a tuple of integers. "
                f"Received: shape={shape!r}"
            )
        for size in shape:
            _checks.check_integer("shape", size, minimum=1, owner=owner)
        if threshold is not None:
            _checks.check_number("threshold", threshold, owner=owner)
        self.shape = tuple(shape)
        self.threshold = threshold
        self.last = self.add_variable(
            self.shape, "zeros", dtype=self.dtype, name="last"
        )
        # Not of the default type, in which a count may end at 256.
        self.seen, self.total, self.count = (
            self.add_variable((), "zeros", dtype="float32", name=name)
            for name in ("seen", "total", "count")
        )

    def update_state(self, values):
        """Compares `values` with those of the last update, and keeps them."""
        values = ops.convert_to_tensor(values)
        if tuple(values.shape) != self.shape:
            raise ValueError(
                f"{type(self).__name__} expects values of shape {self.shape}. "
                f"Received: shape={tuple(values.shape)}"
            )
        if self.threshold is not None:
            values = values > self.threshold
        values = ops.cast(values, self.last.dtype)
        changed = ops.cast(ops.not_equal(values, self.last), "float32")
        # The first values have none before them.
        self.total.assign_add(ops.mean(changed) * self.seen)
        self.count.assign_add(self.seen)
        self.seen.assign(1.0)
        self.last.assign(values)

    def result(self):
        """The mean share; NaN before there are two updates."""
        return self.total / self.count

    def reset_state(self):
        """Starts a new mean; the last values are kept."""
        self.total.assign(0.0)
        self.count.assign(0.0)

    def get_config(self):
        return {
            **super().get_config(),
            "shape": self.shape,
            "threshold": self.threshold,
        }
