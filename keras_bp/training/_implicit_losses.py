"""The losses of `ImplicitModel`: how many terms, how strongly curved."""

import dataclasses

import keras
from keras import ops

from keras_bp.training._implicit_layers import wide

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
# Bounds of the second derivative of a term of the loss in one logit.
_BOUNDS = (
    (
        (
            keras.losses.CategoricalCrossentropy,
            keras.losses.SparseCategoricalCrossentropy,
        ),
        lambda units: 0.5,
    ),
    ((keras.losses.BinaryCrossentropy,), lambda units: 0.25 / units),
    ((keras.losses.MeanSquaredError,), lambda units: 2.0 / units),
)
_L = keras.losses
# What `compile` takes a function for, or its name.
_CLASSES = {
    _L.categorical_crossentropy: _L.CategoricalCrossentropy,
    _L.sparse_categorical_crossentropy: _L.SparseCategoricalCrossentropy,
    _L.binary_crossentropy: _L.BinaryCrossentropy,
    _L.mean_squared_error: _L.MeanSquaredError,
}


@dataclasses.dataclass(frozen=True)
class Target:
    """What is asked of one output.

    Attributes:
        loss: `keras.losses.Loss`, a function, or None.
        factor: Float, its loss weight.
        weights: Tensor of the weights of examples, or None.
        output: Tensor.
        y: Tensor that is wanted, or None.
    """

    loss: object
    factor: float
    weights: object
    output: object
    y: object = None

    @property
    def is_mean(self):
        """Whether the loss is a mean of terms, not a sum."""
        return self._reduction in _MEANS

    @property
    def _reduction(self):
        return getattr(self.loss, "reduction", "sum_over_batch_size")

    def terms(self):
        """Number of terms that the loss is the mean of, 1 for a sum."""
        if not self.is_mean:
            return ops.ones(())
        shape = ops.shape(self.output)
        count = ops.ones(())
        for size in shape[:-1] if len(shape) > 1 else shape:
            count = count * ops.cast(size, "float32")
        weighted = self._reduction == "mean_with_sample_weight"
        if weighted and self.weights is not None:
            count = count * ops.mean(ops.cast(self.weights, "float32"))
        return count

    def bound(self, given):
        """The bound of the second derivative, 1 for a loss not known.

        Args:
            given: Tensor, what the loss is a function of: logits, or, where
                these are not known, the probabilities that are predicted.
        """
        shape = self.output.shape
        units = shape[-1] if len(shape) > 1 else 1
        if given is self.output and not getattr(self.loss, "from_logits", True):
            # Not bounded: the mean of the second derivative instead.
            p = ops.clip(ops.stop_gradient(given), 1e-3, 1.0 - 1e-3)
            if isinstance(self.loss, _L.BinaryCrossentropy):
                return 1.0 / (p * (1.0 - p) * units)
            return 1.0 / p
        for classes, bound in _BOUNDS:
            if isinstance(self.loss, classes):
                return bound(units)
        return 1.0


def check_means(loss, owner):
    """Raises `ValueError` unless all losses of `compile` are means.

    Their derivatives times the number of examples are those of an example.
    """
    for each in keras.tree.flatten(loss):
        if not Target(each, 1.0, None, None).is_mean:
            raise ValueError(
                f"{owner} expects losses that are means over the batch, and "
                f"takes those of examples from them. Received: {each.name!r} "
                f"with reduction={each.reduction!r}"
            )


def targets(model, y_pred, sample_weight, y=None):
    """List of `Target`, one for each output that has a loss.

    Args:
        model: `ImplicitModel` that is compiled.
        y_pred: Structure of tensors.
        sample_weight: Structure of tensors, one tensor, or None.
        y: Structure of tensors, or None.
    """
    outputs = keras.tree.flatten(y_pred)
    names = _names(model, y_pred)
    losses = _each(model.loss, names)
    factors = _each(getattr(model, "loss_weights", None), names)
    weights = _each(sample_weight, names)
    wanted = _each(y, names)
    return [
        Target(
            _loss(loss),
            1.0 if factor is None else float(factor),
            weight,
            output,
            want,
        )
        for loss, factor, weight, output, want in zip(
            losses, factors, weights, outputs, wanted, strict=True
        )
        if loss is not None
    ]


def _loss(given):
    if isinstance(given, keras.losses.Loss):
        return given
    found = keras.losses.get(given)
    known = _CLASSES.get(found) if callable(found) else None
    return found if known is None else known()


def _names(model, y_pred):
    if isinstance(y_pred, dict):
        return sorted(y_pred)
    count = len(keras.tree.flatten(y_pred))
    found = getattr(getattr(model, "model", model), "output_names", None)
    return list(found) if found and len(found) == count else list(range(count))


def _each(given, names):
    """One value for each name, of a structure or of one for all."""
    if isinstance(given, dict):
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        return list(given)
    return [given] * len(names)


def example_weights(sample_weight):
    """Weights `(batch,)` of examples, whatever was given for them, or None."""
    found = [
        ops.cast(x, "float32")
        for x in keras.tree.flatten(sample_weight)
        if x is not None
    ]
    if not found:
        return None
    flat = [ops.mean(ops.reshape(x, (ops.shape(x)[0], -1)), 1) for x in found]
    return sum(flat) / len(flat)


def probe(logits, found, weights, seed):
    """A sum of logits with random signs, whose gradients show curvature.

    The square of its gradient has the mean of the diagonal of Gauss and
    Newton's matrix of the loss, times the number of terms of the first output.

    Args:
        logits: List of tensors `(batch, ...)`, for each of `found`.
        found: List of `Target`.
        weights: Tensor `(batch,)` of the weights of examples, or None.
        seed: `keras.random.SeedGenerator`.
    """
    total = 0.0
    for each, target in zip(logits, found, strict=True):
        bound = target.bound(each)
        each = wide(each)
        noise = keras.random.uniform(ops.shape(each), seed=seed)
        signs = ops.cast(ops.where(noise < 0.5, -1.0, 1.0), each.dtype)
        if weights is not None:
            shape = (-1, *(1,) * (len(each.shape) - 1))
            root = ops.sqrt(ops.reshape(ops.maximum(weights, 0.0), shape))
            signs = signs * ops.cast(root, each.dtype)
        share = target.factor * found[0].terms() / target.terms()
        root = ops.sqrt(ops.cast(share, each.dtype))
        root = root * ops.sqrt(ops.cast(bound, each.dtype))
        total = total + ops.sum(root * each * signs)
    return total
