"""What is kept of every example of a data set."""

import math

from keras import ops

from keras_bp.training._lagrangian_relax import States
from keras_bp.training._replicas import gathered

INDEX, INPUTS = "example_index", "inputs"


def split(x):
    """Indices of examples, or None, and the inputs of the model."""
    if isinstance(x, dict) and set(x) == {INDEX, INPUTS}:
        return x[INDEX], x[INPUTS]
    return None, x


class Tables:
    """Rows for each example, as weights of a model.

    Each replica of `tf.distribute` has all of them.

    Args:
        model: `LagrangianModel` that is compiled.
        num_examples: Integer.
    """

    def __init__(self, model, num_examples):
        self.num_examples = num_examples

        def table(name, shape, dtype="float32"):
            return model.add_weight(
                name=name,
                shape=(num_examples, *shape),
                dtype=dtype,
                initializer="zeros",
                trainable=False,
                autocast=False,
            )

        def tables(what, count):
            return [
                [
                    table(f"{unknown.name}_{what}_{number}", unknown.shape)
                    for number in range(count)
                ]
                for unknown in model.graph.unknowns
            ]

        self.count = table("steps_of_examples", (), "int32")
        self.values = [x for (x,) in tables("value", 1)]
        self.multipliers = [x for (x,) in tables("multiplier", 1)]
        slots = self.slots = model.rules.slots
        self.value_slots = tables("value_slot", slots[0])
        self.multiplier_slots = tables("multiplier_slot", slots[1])

    def check(self, slots):
        """Raises `ValueError` unless rules have the slots of these tables."""
        if self.slots != slots:
            raise ValueError(
                "LagrangianModel keeps slots of its optimizers for each "
                "example, and expects optimizers with the same ones. Received: "
                f"{slots[0]} and {slots[1]} slots, after {self.slots[0]} and "
                f"{self.slots[1]}. Wrap the model anew"
            )

    def read(self, index):
        """`States` of some examples.

        Args:
            index: Tensor `(batch,)` of integers.
        """

        def rows(table):
            return ops.take(table.value, index, axis=0)

        return States(
            [rows(x) for x in self.values],
            [rows(x) for x in self.multipliers],
            [[rows(x) for x in slots] for slots in self.value_slots],
            [[rows(x) for x in slots] for slots in self.multiplier_slots],
            rows(self.count),
        )

    def write(self, index, states, sound):
        """Writes back what was read and changed, if `sound`.

        Of all replicas: the next time another one may see an example.
        """
        pairs = [
            (self.count, states.count),
            *zip(self.values, states.values, strict=True),
            *zip(self.multipliers, states.multipliers, strict=True),
        ]
        for tables, found in (
            (self.value_slots, states.value_slots),
            (self.multiplier_slots, states.multiplier_slots),
        ):
            for own, new in zip(tables, found, strict=True):
                pairs += zip(own, new, strict=True)
        index = gathered(index)
        for table, rows in pairs:
            _write(table, index, gathered(rows), sound)


def _write(table, index, rows, sound):
    import tensorflow as tf

    before = ops.take(table.value, index, axis=0)
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
        num_examples: Integer.
        slots: Integer, slots of both rules together.
    """
    floats = sum(math.prod(x.shape) for x in unknowns) * (2 + slots)
    return 4 * num_examples * (floats + 1)
