"""The layer that turns tensors into a cost of each example."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable


@serializable
class CostNode(keras.layers.Layer):
    r"""A cost anywhere in a model, a number for each example.

    Make it an output of the model. Under `keras_bp.training.SurrogateModel`
    each stochastic node is weighed with the costs below it; in any other
    model the mean over the batch is added to the loss.

    Args:
        cost: Function of tensors that returns shape `(batch,)`, registered
            with Keras if the model is to be saved; or the name of a Keras
            loss, or a `keras.losses.Loss`, of two tensors, `y_true` and
            `y_pred`, averaged over all axes but the batch.
        weight: Float, what the cost is multiplied with. Defaults to `1.0`.

    Call arguments:
        inputs: Tensor, or list of tensors, the arguments of `cost`.

    Input shape:
        Batch first.

    Output shape:
        `(batch,)`, float32 or float64.

    Raises:
        ValueError: `cost` is no such thing, or does not return a number for
            each example.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import CostNode
    >>> node = CostNode("mean_squared_error", weight=2.0)
    >>> np.asarray(node([np.zeros((2, 3)), np.ones((2, 3))]))
    array([2., 2.], dtype=float32)

    Reference:
        Schulman et al., 2015, https://arxiv.org/abs/1506.05254, definition 1.
    """

    def __init__(self, cost, weight=1.0, **kwargs):
        # The function gets tensors as they are, and computes in full.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        owner = type(self).__name__
        _checks.check_number("weight", weight, owner=owner)
        self.cost = cost
        self._function = _function_of(cost, owner)
        self._averages = isinstance(cost, (str, keras.losses.Loss))
        self.weight = float(weight)
        self.cost_dtype = (
            "float64" if self.compute_dtype == "float64" else "float32"
        )

    def build(self, input_shape):
        pass

    def costs_of(self, inputs):
        """The cost of each example, times the weight."""
        tensors = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        tensors = [self._widen(x) for x in tensors]
        found = self._function(*tensors)
        if self._averages:
            found = mean_units(found)
        if len(found.shape) != 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} expects a cost of shape "
                "(batch,), a number for each example. Sum or average over the "
                f"other axes. Received: shape={tuple(found.shape)}"
            )
        rows, batch = found.shape[0], tensors[0].shape[0]
        if rows == 1 != batch or None not in (rows, batch) and rows != batch:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} expects a number for "
                f"each of {batch or 'the'} examples. Sum or average over the "
                f"other axes alone. Received: shape={tuple(found.shape)}"
            )
        return self.weight * ops.cast(found, self.cost_dtype)

    def _widen(self, x):
        kind = keras.backend.standardize_dtype(x.dtype)
        if kind in ("float16", "bfloat16", "float32", "float64"):
            return ops.cast(x, self.cost_dtype)
        return x

    def call(self, inputs):
        found = self.costs_of(inputs)
        self.add_loss(ops.mean(found))
        return found

    def compute_output_shape(self, input_shape):
        first = input_shape
        while isinstance(first[0], (list, tuple)):
            first = first[0]
        return (first[0],)

    def compute_output_spec(self, inputs):
        shape = keras.tree.map_structure(lambda x: x.shape, inputs)
        return keras.KerasTensor(
            self.compute_output_shape(shape), dtype=self.cost_dtype
        )

    def get_config(self):
        return {
            **super().get_config(),
            "cost": keras.saving.serialize_keras_object(self.cost),
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config):
        cost = config["cost"]
        if isinstance(cost, dict):
            cost = keras.saving.deserialize_keras_object(cost)
        return cls(**{**config, "cost": cost})


def mean_units(x):
    """Averages over all axes but the first."""
    axes = tuple(range(1, len(x.shape)))
    return ops.mean(x, axis=axes) if axes else x


def _function_of(cost, owner):
    found = cost
    if isinstance(cost, str):
        try:
            found = keras.losses.get(cost)
        except ValueError:
            found = None
    # The name of a class gives a loss that averages over the examples.
    if isinstance(found, keras.losses.Loss):
        return found.call
    if not callable(found):
        raise ValueError(
            f"{owner} expects `cost` to be a function, a keras.losses.Loss, or "
            f"the name of a loss of Keras. Received: cost={cost!r}"
        )
    return found
