"""What a critic says of a sample when one unit of it is changed."""

import math

import keras
from keras import ops

from keras_bp.training._backprop_q_networks import DenseCritic


class Changes:
    """The changed samples of a node: one unit each, the others held.

    Bits: each is flipped. Classes: each unit takes each of its classes. They
    are evaluated a few at once, folded into the batch; a dense critic is
    linear in its first layer, of which only the change is computed.

    Args:
        critics: `Critics`.
        name: String, the node.
        inputs: List of tensors, what its critic sees.
        weight: Tensor `(rows, costs)` or `(costs,)`, how much each counts.
    """

    def __init__(self, critics, name, inputs, weight):
        self._critics, self._name, self._inputs = critics, name, inputs
        self._network = critics.network(name)
        self._weights = critics.frozen(name)
        self._weight = weight
        plan = critics.plans[name]
        self._own = plan.own
        self._shape = plan.inputs[plan.own].shape
        self.count = math.prod(self._shape)

    def base(self):
        """The prediction for the sample as it is, `(rows,)`."""
        found = self._critics.predict(self._name, self._inputs, self._weights)
        return self._total(found)

    def at(self, value):
        """The prediction for another sample, `(rows,)`."""
        inputs = list(self._inputs)
        inputs[self._own] = value
        found = self._critics.predict(self._name, inputs, self._weights)
        return self._total(found)

    def flipped(self):
        """Of each flipped bit, `(rows, bits)`."""
        x = self._flat()

        def dense(kernel, index):
            step = 1 - 2 * ops.take(x, index, axis=1)
            return ops.expand_dims(step, -1) * ops.take(kernel, index, axis=0)

        def whole(index):
            hot = ops.one_hot(index, self.count, dtype=x.dtype)
            wide = ops.expand_dims(x, 0)
            return wide + ops.expand_dims(hot, 1) * (1 - 2 * wide)

        return self._all(dense, whole)

    def classes(self):
        """Of each class of each unit, `(rows, units * classes)`."""
        classes = self._shape[-1]
        x = self._flat()
        table = ops.reshape(x, (-1, self.count // classes, classes))

        def dense(kernel, index):
            width = kernel.shape[-1]
            blocks = ops.reshape(kernel, (-1, classes, width))
            now = ops.einsum("ruk,ukh->ruh", table, blocks)
            return ops.take(kernel, index, axis=0) - ops.take(
                now, index // classes, axis=1
            )

        def whole(index):
            unit = ops.one_hot(
                index // classes, self.count // classes, dtype=x.dtype
            )
            touched = ops.repeat(unit, classes, axis=-1)
            hot = ops.one_hot(index, self.count, dtype=x.dtype)
            return ops.expand_dims(x, 0) * ops.expand_dims(
                1 - touched, 1
            ) + ops.expand_dims(hot, 1)

        return self._all(dense, whole)

    def _flat(self):
        return ops.reshape(self._inputs[self._own], (-1, self.count))

    def _all(self, dense, whole):
        """Evaluates all changes, some at once."""
        evaluate = self._dense(dense)
        if not isinstance(self._network, DenseCritic):
            evaluate = self._whole(whole)
        size = min(self._critics.options.flips, self.count)
        parts = -(-self.count // size)
        index = ops.arange(parts * size, dtype="int32") % self.count
        if parts == 1:
            return evaluate(index)
        found = _in_turn(
            evaluate, ops.reshape(index, (parts, size)), self._critics.kind
        )
        found = ops.transpose(found, (1, 0, 2))
        return ops.reshape(found, (-1, parts * size))[:, : self.count]

    def _dense(self, change):
        if not isinstance(self._network, DenseCritic):
            return None
        kernel = self._weights[self._own]
        first = self._network.first(self._weights, self._inputs)

        def evaluate(index):
            moved = ops.expand_dims(first, 1) + change(kernel, index)
            return self._total(self._network.rest(self._weights, moved))

        return evaluate

    def _whole(self, change):
        def evaluate(index):
            size = index.shape[0]
            changed = ops.reshape(change(index), (-1, *self._shape))
            inputs = [
                changed
                if place == self._own
                else ops.tile(x, (size, *(1,) * (len(x.shape) - 1)))
                for place, x in enumerate(self._inputs)
            ]
            found = self._critics.predict(self._name, inputs, self._weights)
            found = ops.reshape(found, (size, -1, found.shape[-1]))
            return self._total(ops.transpose(found, (1, 0, 2)))

        return evaluate

    def _total(self, found):
        """The costs together, over the last axis."""
        weight = self._weight
        if len(found.shape) > len(weight.shape) > 1:
            weight = ops.expand_dims(weight, 1)
        return ops.stop_gradient(ops.sum(found * weight, axis=-1))


def _in_turn(function, parts, dtype):
    if keras.backend.backend() != "tensorflow":
        return ops.map(function, parts)
    import tensorflow as tf

    # One after the other, or the memory would not be bounded.
    return tf.map_fn(
        function, parts, fn_output_signature=dtype, parallel_iterations=1
    )
