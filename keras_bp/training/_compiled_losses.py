"""The losses given to `compile`, as a cost of each example."""

import dataclasses

import keras
from keras import ops

from keras_bp.layers.cost_node import mean_units

_MEANS = ("sum_over_batch_size", "mean", None)


@dataclasses.dataclass(frozen=True)
class CompiledLoss:
    """One loss on one output.

    Attributes:
        name: String.
        slot: `Slot` of the output in the graph.
        loss: Function or `keras.losses.Loss`.
        weight: Float.
    """

    name: str
    slot: object
    loss: object
    weight: float

    @property
    def is_sparse(self):
        """Whether targets are the numbers of classes."""
        loss = self.loss
        return (
            isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
            or loss is keras.losses.sparse_categorical_crossentropy
        )

    def of(self, y_true, y_pred, dtype):
        """The cost of each row, times the weight, shape `(rows,)`."""
        mask = getattr(y_pred, "_keras_mask", None)
        # Of one type, as Keras gives both to a loss, numbers of classes too.
        y_pred = ops.cast(y_pred, dtype)
        y_true = ops.cast(ops.convert_to_tensor(y_true), dtype)
        if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)
        whole = isinstance(self.loss, keras.losses.Loss)
        each = (self.loss.call if whole else self.loss)(y_true, y_pred)
        if not len(each.shape):
            raise ValueError(
                f"SurrogateModel expects the loss {self.name!r} to return a "
                "number for each example. Received: a scalar"
            )
        if mask is not None and len(mask.shape) <= len(each.shape):
            mask = ops.cast(mask, each.dtype)
            each = each * mask / ops.maximum(ops.mean(mask), 1e-12)
        return self.weight * mean_units(ops.cast(each, dtype))


def compiled_losses(loss, loss_weights, outputs):
    """Pairs losses with outputs.

    Args:
        loss: As in `keras.Model.compile`: one for all outputs, or a list or
            dictionary of them, None where an output has none.
        loss_weights: Number, list or dictionary, or None for ones.
        outputs: Dictionary from the name of an output to its `Slot`, those
            that are not costs themselves.

    Returns:
        Dictionary from the name of an output to its `CompiledLoss`.

    Raises:
        ValueError: The structures do not fit, or a loss is no mean over the
            examples of a batch.
    """
    losses = _by_output("loss", loss, outputs)
    weights = _by_output("loss_weights", loss_weights, outputs)
    return {
        name: CompiledLoss(
            f"{name}_loss",
            outputs[name],
            _checked(each),
            1.0 if weights.get(name) is None else float(weights[name]),
        )
        for name, each in losses.items()
        if each is not None
    }


def _checked(loss):
    found = keras.losses.get(loss)
    if getattr(found, "reduction", None) not in _MEANS:
        raise ValueError(
            "SurrogateModel expects losses that are means over the batch, in "
            "which weights are not normalized. "
            f"Received: {found.name!r} with reduction={found.reduction!r}"
        )
    whole = isinstance(found, keras.losses.Loss)
    if whole and type(found).__call__ is not keras.losses.Loss.__call__:
        raise ValueError(
            "SurrogateModel expects losses with a number for each example, "
            "which weighs the nodes that it depends on. Write what an example "
            "costs as a keras_bp.layers.CostNode. Received: "
            f"{found.name!r}, whose `__call__` is its own"
        )
    return found


def _by_output(what, given, outputs):
    names = list(outputs)
    if given is None:
        return {}
    if isinstance(given, dict):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(
                f"SurrogateModel expects the keys of `{what}` to be outputs "
                f"that are not costs, {names}. Received: {unknown}"
            )
        return given
    if not isinstance(given, (list, tuple)):
        return dict.fromkeys(names, given)
    if len(given) != len(names):
        raise ValueError(
            f"SurrogateModel expects `{what}` for each output that is not a "
            f"cost, {names}. Received: {len(given)}"
        )
    return dict(zip(names, given, strict=True))


def targets_by_output(what, given, outputs):
    """Pairs targets, or weights of examples, with the names of outputs."""
    if isinstance(given, (list, tuple, dict)) or given is None:
        return _by_output(what, given, outputs)
    if len(outputs) > 1 and what == "y":
        raise ValueError(
            f"SurrogateModel expects `y` for each of {list(outputs)}, as a "
            "list or a dictionary. Received: one tensor"
        )
    return dict.fromkeys(outputs, given)
