"""Tables whose rows the replicas of `tf.distribute` share out.

Row i of n replicas is row i // n of the replica i % n. Each holds `height`
rows, of which the last may be of no use.
"""

import math

import keras
from keras import ops

from keras_bp.training._replicas import gathered, in_step, summed


def height(rows, replicas):
    """Integer, rows of each replica."""
    return -(-rows // replicas)


def variable(rows, shape, dtype, replicas, name):
    """A weight, zero at first, of which each replica has its own part."""
    kind = {}
    if replicas > 1:
        kind = {
            "synchronization": "on_read",
            "aggregation": "only_first_replica",
        }
    return keras.Variable(
        "zeros",
        shape=(height(rows, replicas), *shape),
        dtype=dtype,
        trainable=False,
        autocast=False,
        name=name,
        **kind,
    )


def gathered_rows(table, index):
    """Some rows of the part of a table that is here, without reading the rest.

    A table that is read as a whole is copied, as soon as some rows of it are
    written.
    """
    import tensorflow as tf

    return tf.raw_ops.ResourceGather(
        resource=table.value.handle, indices=index, dtype=table.dtype
    )


def read(tables, index):
    """Rows of tables, of which other replicas hold some.

    In a step of replicas: all wait for each other.

    Args:
        tables: List of variables.
        index: Tensor `(batch,)` of integers, the examples of this replica.

    Returns:
        List of tensors `(batch, ...)`.
    """
    count, me = in_step()
    everyone = gathered(ops.cast(index, "int32"))
    own = everyone % count == me
    place = ops.where(own, everyone // count, 0)
    found = []
    for table in tables:
        rows = gathered_rows(table, place)
        mask = ops.reshape(own, (-1, *(1,) * (len(table.shape) - 1)))
        found.append(ops.where(mask, rows, ops.zeros((), table.dtype)))
    found = _packed(found, summed)
    size = ops.shape(index)[0]
    start = ops.sum(gathered(ops.reshape(size, (1,)))[:me])
    return [x[start : start + size] for x in found]


def write(tables, index, rows, condition):
    """Writes rows to tables, of which other replicas hold some.

    In a step of replicas: all wait for each other.

    Args:
        tables: List of variables.
        index: Tensor `(batch,)` of integers, the examples of this replica;
            those of all replicas are different.
        rows: List of tensors `(batch, ...)`.
        condition: Scalar tensor, without which nothing is written.
    """
    import tensorflow as tf

    count, me = in_step()
    everyone = gathered(ops.cast(index, "int32"))
    own = ops.logical_and(everyone % count == me, condition)
    place = tf.boolean_mask(everyone // count, own)
    rows = [
        ops.cast(x, table.dtype) for x, table in zip(rows, tables, strict=True)
    ]
    rows = _packed(rows, gathered)
    for table, new in zip(tables, rows, strict=True):
        tf.raw_ops.ResourceScatterUpdate(
            resource=table.value.handle,
            indices=place,
            updates=tf.boolean_mask(new, own),
        )


def _packed(rows, function):
    """A function of tensors `(batch, ...)`, called once for each type."""
    import tensorflow as tf

    found = [None] * len(rows)
    for dtype in sorted({x.dtype.name for x in rows}):
        places = [n for n, x in enumerate(rows) if x.dtype.name == dtype]
        shapes = [rows[n].shape[1:] for n in places]
        widths = [math.prod(shape) for shape in shapes]
        flat = [
            ops.reshape(rows[n], (-1, width))
            for n, width in zip(places, widths, strict=True)
        ]
        flat = function(ops.concatenate(flat, axis=1))
        parts = tf.split(flat, widths, axis=1)
        for n, part, shape in zip(places, parts, shapes, strict=True):
            found[n] = ops.reshape(part, (-1, *shape))
    return found


def whole(tables, rows, strategy):
    """All rows of tables, a list of tensors, which replicas gather.

    All workers have to call it.
    """
    import tensorflow as tf

    count = strategy.num_replicas_in_sync

    def joined(table, parts):
        # Of several workers, TensorFlow forgets the shape.
        size, *shape = table.shape
        parts = strategy.gather(parts, axis=0)
        parts = ops.reshape(parts, (count, size, *shape))
        parts = ops.swapaxes(parts, 0, 1)
        return ops.reshape(parts, (count * size, *shape))[:rows]

    @tf.function
    def found():
        parts = strategy.run(
            lambda: [ops.convert_to_tensor(table.value) for table in tables]
        )
        return [joined(*both) for both in zip(tables, parts, strict=True)]

    return found()


def assign(tables, rows, strategy):
    """Sets all rows of tables, of which each replica takes its own.

    Args:
        tables: List of variables.
        rows: List of arrays `(rows, ...)`.
        strategy: `tf.distribute.Strategy`.
    """
    import tensorflow as tf

    count = strategy.num_replicas_in_sync

    def parts_of(x):
        missing = height(len(x), count) * count - len(x)
        x = ops.pad(x, [(0, missing), *[(0, 0)] * (len(x.shape) - 1)])
        x = ops.reshape(x, (-1, count, *x.shape[1:]))
        return ops.swapaxes(x, 0, 1)

    def take(found):
        _, me = in_step()
        for table, parts in zip(tables, found, strict=True):
            table.assign(parts[me])

    parts = [parts_of(ops.convert_to_tensor(x)) for x in rows]
    tf.function(lambda: strategy.run(take, args=(parts,)))()
