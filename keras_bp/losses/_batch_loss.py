"""What losses share that do not decompose over the examples of a batch."""

import keras
from keras import ops


class BatchLoss(keras.losses.Loss):
    """A loss that is one number per label for a whole batch.

    Subclasses implement `label_losses(positive, negative, scores)`. It takes
    the weights of examples in their class, 0 in the other, through which no
    gradient passes, and scores, float32 or float64, each `(labels, batch)`. It
    returns losses and where they are defined, both `(labels,)`. A label
    without a loss counts for nothing. `reduction` is over labels.

    Args:
        from_logits: Boolean, whether the sigmoid of `y_pred` is meant.
        name: String.
        reduction, dtype: See `keras.losses.Loss`.
    """

    def __init__(
        self,
        from_logits=False,
        name=None,
        reduction="sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = bool(from_logits)
        self._dtype_argument = dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        with keras.name_scope(self.name):
            # What a mask of Keras leaves of each example.
            left = _Ones(reduction=None)(y_pred, y_pred)
            values, defined = self._values(y_true, y_pred, sample_weight, left)
            defined = ops.cast(defined, values.dtype)
            values = ops.where(defined > 0, values, ops.zeros_like(values))
            if self.reduction not in ("sum", "none", None):
                count = ops.cast(ops.shape(values)[0], values.dtype)
                known = ops.maximum(ops.sum(defined), 1.0)
                values = values * (count / known)
            # Keras's own reduction, which knows of replicas.
            reduce = _Given(reduction=self.reduction, dtype=self.dtype)
            return reduce(values, values)

    def call(self, y_true, y_pred):
        """The losses of the labels, 0 where they are not defined."""
        values, defined = self._values(y_true, y_pred, None, 1.0)
        return ops.where(defined, values, ops.zeros_like(values))

    def _values(self, y_true, y_pred, sample_weight, left):
        y_pred = self._columns("y_pred", y_pred)
        y_true = self._columns("y_true", y_true)
        self._check_same("y_true", y_true, y_pred)
        dtype = keras.backend.standardize_dtype(y_pred.dtype)
        dtype = "float64" if dtype == "float64" else "float32"
        scores = ops.transpose(ops.cast(y_pred, dtype))
        if self.from_logits:
            scores = ops.sigmoid(scores)
        weight = ops.ones_like(scores) * ops.cast(left, dtype)
        if sample_weight is not None:
            weight = weight * self._weights(sample_weight, y_pred, dtype)
        is_positive = ops.transpose(y_true > ops.cast(0.5, y_true.dtype))
        weight = ops.stop_gradient(weight)
        nothing = ops.zeros_like(weight)
        positive = ops.where(is_positive, weight, nothing)
        negative = ops.where(is_positive, nothing, weight)
        return self.label_losses(positive, negative, scores)

    def _columns(self, name, x):
        x = ops.convert_to_tensor(x)
        if not keras.backend.is_float_dtype(
            keras.backend.standardize_dtype(x.dtype)
        ):
            x = ops.cast(x, "float32")
        if len(x.shape) == 1:
            return ops.expand_dims(x, -1)
        if len(x.shape) != 2:
            raise ValueError(
                f"{type(self).__name__} expects `{name}` of shape (batch,) or "
                f"(batch, labels). Received: shape={tuple(x.shape)}"
            )
        return x

    def _weights(self, sample_weight, y_pred, dtype):
        weight = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
        if len(weight.shape) == 0:
            return weight
        weight = self._columns("sample_weight", weight)
        if weight.shape[-1] != 1:
            self._check_same("sample_weight", weight, y_pred)
        return ops.transpose(weight)

    def _check_same(self, name, x, y_pred):
        for one, other in zip(x.shape, y_pred.shape, strict=True):
            if None not in (one, other) and one != other:
                raise ValueError(
                    f"{type(self).__name__} expects `{name}` to have the shape "
                    "of `y_pred`, one score for each label. Received: "
                    f"{name} of shape {tuple(x.shape)}, y_pred of shape "
                    f"{tuple(y_pred.shape)}"
                )

    def get_config(self):
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "dtype": self._dtype_argument,
        }


class _Ones(keras.losses.Loss):
    """A loss of 1 for each example, so that a mask shows in the result."""

    def call(self, y_true, y_pred):
        ones = ops.ones_like(y_pred)
        return ones[(slice(None), *[0] * (len(ones.shape) - 1))]


class _Given(keras.losses.Loss):
    """Reduces what it is given."""

    def call(self, y_true, y_pred):
        return y_pred
