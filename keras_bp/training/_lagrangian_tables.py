"""What is kept of every example of a data set."""

import math

import keras
from keras import ops

from keras_bp.training import _shards
from keras_bp.training._lagrangian_relax import States
from keras_bp.training._replicas import in_step

INDEX, INPUTS = "example_index", "inputs"


def split(x):
    """Indices of examples, or None, and the inputs of the model."""
    if isinstance(x, dict) and set(x) == {INDEX, INPUTS}:
        return x[INDEX], x[INPUTS]
    return None, x


class Tables(keras.layers.Layer):
    """Rows for each example, which replicas of `tf.distribute` share out.

    A layer for its weights alone, which it saves as those of one replica.

    Args:
        graph: `LagrangianGraph`.
        num_examples: Integer.
        slots: Pair of integers, slots of the rules for values and multipliers.
        strategy: `tf.distribute.Strategy`, in whose scope this is.
    """

    def __init__(self, graph, num_examples, slots, strategy):
        super().__init__(
            name="states_of_examples", dtype="float32", trainable=False
        )
        self.num_examples = num_examples
        self.slots = slots
        self.strategy = strategy
        self.replicas = strategy.num_replicas_in_sync

        def table(name, shape, dtype="float32"):
            return _shards.variable(
                num_examples, shape, dtype, self.replicas, name
            )

        def tables(what, count):
            return [
                [
                    table(f"{unknown.name}_{what}_{number}", unknown.shape)
                    for number in range(count)
                ]
                for unknown in graph.unknowns
            ]

        self.count = table("steps_of_examples", (), "int32")
        self.values = [x for (x,) in tables("value", 1)]
        self.multipliers = [x for (x,) in tables("multiplier", 1)]
        self.value_slots = tables("value_slot", slots[0])
        self.multiplier_slots = tables("multiplier_slot", slots[1])
        self.built = True

    def check(self, slots):
        """Raises `ValueError` unless rules have the slots of these tables."""
        if self.slots != slots:
            raise ValueError(
                "LagrangianModel keeps slots of its optimizers for each "
                "example, and expects optimizers with the same ones. Received: "
                f"{slots[0]} and {slots[1]} slots, after {self.slots[0]} and "
                f"{self.slots[1]}. Wrap the model anew"
            )

    def _structure(self):
        return [
            self.count,
            list(self.values),
            list(self.multipliers),
            [list(x) for x in self.value_slots],
            [list(x) for x in self.multiplier_slots],
        ]

    def read(self, index):
        """`States` of some examples.

        Args:
            index: Tensor `(batch,)` of integers.
        """
        structure = self._structure()
        tables = keras.tree.flatten(structure)
        if self.replicas == 1:
            rows = [_shards.gathered_rows(x, index) for x in tables]
        elif in_step():
            rows = _shards.read(tables, index)
        else:
            rows = [ops.take(x, index, axis=0) for x in self.whole(tables)]
        count, *parts = keras.tree.pack_sequence_as(structure, rows)
        return States(*parts, count)

    def write(self, index, states, sound):
        """Writes back what was read and changed, if `sound`.

        To whichever replica holds it: another one may see an example next.
        """
        tables = keras.tree.flatten(self._structure())
        rows = keras.tree.flatten([states.count, *states.parts()])
        if self.replicas > 1:
            _shards.write(tables, index, rows, sound)
            return
        for table, new in zip(tables, rows, strict=True):
            _write(table, index, new, sound)

    def whole(self, tables):
        """All rows of some of the tables, a list of tensors.

        Of several workers all have to ask.
        """
        if self.replicas == 1:
            return [ops.convert_to_tensor(x) for x in tables]
        return _shards.whole(tables, self.num_examples, self.strategy)

    def forces(self):
        """Multipliers of all examples, a list of arrays."""
        found = self.whole(self.multipliers)
        return [ops.convert_to_numpy(x) for x in found]

    def save_own_variables(self, store):
        for place, rows in enumerate(self.whole(self.weights)):
            store[str(place)] = ops.convert_to_numpy(rows)

    def load_own_variables(self, store):
        if self.replicas == 1:
            super().load_own_variables(store)
            return
        expected = [(self.num_examples, *x.shape[1:]) for x in self.weights]
        rows = [store[place] for place in sorted(store.keys(), key=int)]
        found = [tuple(x.shape) for x in rows]
        if found != expected:
            raise ValueError(
                "LagrangianModel expects a file with the states of its "
                f"{self.num_examples} examples, of shapes {expected}. "
                f"Received: {found or 'none of them'}"
            )
        _shards.assign(self.weights, rows, self.strategy)


def _write(table, index, rows, sound):
    import tensorflow as tf

    before = _shards.gathered_rows(table, index)
    rows = ops.where(sound, ops.cast(rows, table.dtype), before)
    table.value.scatter_update(tf.IndexedSlices(rows, index))


def wrong_index(index, num_examples):
    """Whether an index is out of range, or is there twice."""
    index = ops.sort(ops.cast(index, "int64"))
    outside = ops.logical_or(index[0] < 0, index[-1] >= num_examples)
    return ops.logical_or(outside, ops.any(index[1:] == index[:-1]))


def memory(unknowns, num_examples, slots):
    """Bytes of tables.

    Args:
        unknowns: List of `Unknown`.
        num_examples: Integer, those of a replica.
        slots: Integer, slots of both rules together.
    """
    floats = sum(math.prod(x.shape) for x in unknowns) * (2 + slots)
    return 4 * num_examples * (floats + 1)
